/** Human-readable times of the run log: UTC, to the second. */

/** `2026-01-02 03:04:05`. */
export function shownTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}

/** Undefined if either is unknown. */
export function secondsBetween(start: Date | undefined, end: Date | undefined): number | undefined {
  if (start === undefined || end === undefined) return undefined;
  return Math.max(0, (end.getTime() - start.getTime()) / 1000);
}
