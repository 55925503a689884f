/** FIFO byte queue that re-chunks its input without copying. */
export class PieceQueue {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      this.#pieces.push(piece);
      this.#bytes += piece.length;
    }
  }

  /** Takes the first `bytes`, or everything if there are fewer. */
  take(bytes: number): Uint8Array[] {
    const taken = cut(this.#pieces, bytes);
    this.#pieces = drop(this.#pieces, bytes);
    this.#bytes = sizeOf(this.#pieces);
    return taken;
  }
}

export function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** The pieces without their first `bytes`. */
export function drop(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let start = 0;
  return pieces.flatMap((piece) => {
    const from = Math.min(Math.max(bytes - start, 0), piece.length);
    start += piece.length;
    if (from === 0) return [piece];
    return from === piece.length ? [] : [piece.subarray(from)];
  });
}

function cut(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const taken: Uint8Array[] = [];
  for (const piece of pieces) {
    if (left <= 0) break;
    taken.push(piece.length <= left ? piece : piece.subarray(0, left));
    left -= piece.length;
  }
  return taken;
}
