/**
 * The candidate a misspelled word most likely meant, or undefined if none is near. Ignores case, and `-` against `_`.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const sought = plain(word);
  let best: string | undefined;
  // A third of the letters may be wrong; of very short words, one.
  let bestDistance = Math.max(1, Math.floor(sought.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(sought, plain(candidate), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll('-', '_');
}

/**
 * Edit distance between `a` and `b`, with swaps of adjacent letters; results of at least `limit` may be returned as
 * `limit`.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let distance = Math.min(substitution, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? limit;
}
