import { CpuMeter } from '../../runtime/cpu-meter.js';

/** A shorter time says little. */
const WINDOW_MS = 1_000;
/** A thread that is busy for more than this share of it makes others wait. */
const SATURATED = 0.9;
/** Another thread may use the rest of a core that is not idle all the time. */
const WORTH_CORES = 0.5;

export interface MeasuredThread {
  /** The share of the time since the last call for which it had something to do, from 0 to 1. */
  utilization(): number;
}

export interface ThreadLoadOptions {
  /** Cores that nobody has used since the last call. */
  readonly spareCores?: () => number;
  /** In milliseconds. */
  readonly now?: () => number;
}

/**
 * Tells whether a thread could do more if another one took a part of its work: it is busy all the time, and a core idle.
 * Where no core is, as on a machine that also runs the server, another thread would only cost more.
 */
export class ThreadLoad {
  readonly #threads: ReadonlySet<MeasuredThread>;
  readonly #spareCores: () => number;
  readonly #now: () => number;
  #since: number;
  #saturated: ReadonlySet<MeasuredThread> = new Set();
  #spare = 0;

  /** @param threads those that there are, now and later */
  constructor(threads: ReadonlySet<MeasuredThread>, options: ThreadLoadOptions = {}) {
    const meter = new CpuMeter();
    this.#threads = threads;
    this.#spareCores = options.spareCores ?? (() => meter.spareCores());
    this.#now = options.now ?? (() => performance.now());
    this.#since = this.#now();
  }

  isSaturated(thread: MeasuredThread): boolean {
    this.#measure();
    return this.#spare >= WORTH_CORES && this.#saturated.has(thread);
  }

  /** Another thread was started, which will use one. */
  takeCore(): void {
    this.#spare -= 1;
  }

  #measure(): void {
    const now = this.#now();
    if (now - this.#since < WINDOW_MS) return;
    this.#since = now;
    this.#spare = this.#spareCores();
    const busy = [...this.#threads].filter((thread) => thread.utilization() >= SATURATED);
    this.#saturated = new Set(busy);
  }
}
