/**
 * Measures how long something takes, by the clock that nobody sets: the wall clock may be put back, or forward, while it
 * takes its time.
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
