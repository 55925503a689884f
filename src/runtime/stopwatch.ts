/**
 * Measures durations by the monotonic clock: the wall clock may be set back or forward in the meantime.
 */
export class Stopwatch {
  /** By the wall clock. */
  readonly startedAt = new Date();
  readonly #start = performance.now();

  /** In seconds, to the millisecond. */
  get seconds(): number {
    return Math.round(performance.now() - this.#start) / 1000;
  }
}
