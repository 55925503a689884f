import { LakeportError } from '../../errors.js';
import type { WriteOutcome } from '../model/rows.js';
import type { RunState } from '../model/run-state.js';
import type { LogStore } from '../store/log-store.js';
import type { LogListener } from './log-listener.js';

export interface WriterOptions {
  /** How long to collect changes before writing them. */
  readonly gatherMs?: number;
  readonly heartbeatMs?: number;
  /** Delays after consecutive failures; the last one repeats. */
  readonly retryMs?: readonly number[];
}

const GATHER_MS = 250;
const HEARTBEAT_MS = 15_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

/**
 * Writes a run's rows and its heartbeat to the log, one batch at a time. Never throws, and only the end of the run waits for
 * it.
 */
export class LogWriter {
  readonly #store: LogStore;
  readonly #rows: RunState;
  readonly #listener: LogListener;
  readonly #gatherMs: number;
  readonly #retryMs: readonly number[];
  readonly #heartbeat: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  /** Consecutive. */
  #failures = 0;
  #stopped = false;

  constructor(store: LogStore, rows: RunState, options: WriterOptions & { readonly listener: LogListener }) {
    this.#store = store;
    this.#rows = rows;
    this.#listener = options.listener;
    this.#gatherMs = options.gatherMs ?? GATHER_MS;
    this.#retryMs = options.retryMs ?? RETRY_MS;
    this.#heartbeat = setInterval(() => this.#schedule(0), options.heartbeatMs ?? HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** True after `stop`, or once another process has taken the run. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Call after each change of the rows. */
  changed(): void {
    this.#schedule(this.#gatherMs);
  }

  /** Resolves when no write is in progress. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Writes all changes now. False if that fails; it is retried later. */
  async flush(): Promise<boolean> {
    await this.settled();
    if (this.#stopped) return false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#write();
    await this.#writing;
    return this.#rows.isWritten;
  }

  /** Writes all changes, retrying within the time given. False if that fails. */
  async finish(options: { readonly withinMs: number }): Promise<boolean> {
    const limit = new Delay(options.withinMs);
    try {
      for (;;) {
        const written = await Promise.race([this.flush(), limit.over]);
        if (written === true) return true;
        if (this.#stopped) return false;
        const rest = new Delay(this.#retryMs[0] ?? 0);
        await Promise.race([rest.over, limit.over]);
        rest.cancel();
        if (limit.isOver) return false;
      }
    } finally {
      limit.cancel();
    }
  }

  /** Stops the heartbeat; nothing more is written. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
  }

  /** A pending write will include all changes made before it starts. */
  #schedule(afterMs: number): void {
    if (this.#stopped || this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = setTimeout(() => void this.flush(), afterMs);
    // `finish` waits for unwritten changes; this timer must not keep the process alive.
    this.#timer.unref();
  }

  async #write(): Promise<void> {
    try {
      let outcome = await this.#writeBatch();
      if (outcome === 'missing') {
        this.#rows.forgotten();
        outcome = await this.#writeBatch();
      }
      if (outcome === 'taken') this.#taken();
      else this.#written();
    } catch (error) {
      this.#failed(LakeportError.from(error));
    }
    this.#writing = undefined;
    if (!this.#rows.isWritten) this.#schedule(this.#failures === 0 ? this.#gatherMs : this.#backOffMs());
  }

  #backOffMs(): number {
    return this.#retryMs[this.#failures - 1] ?? this.#retryMs.at(-1) ?? 0;
  }

  async #writeBatch(): Promise<WriteOutcome> {
    const batch = this.#rows.take();
    try {
      return await this.#store.write(batch);
    } catch (error) {
      this.#rows.giveBack();
      throw error;
    }
  }

  #written(): void {
    this.#rows.known();
    const wasTrouble = this.#failures > 0;
    this.#failures = 0;
    if (wasTrouble) this.#listener.onRecovered?.();
  }

  #failed(error: LakeportError): void {
    this.#failures++;
    if (this.#failures === 1) this.#listener.onTrouble?.(error);
  }

  #taken(): void {
    this.stop();
    this.#listener.onTaken?.();
  }
}

/** A delay that keeps the process alive. */
class Delay {
  readonly over: Promise<void>;
  isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.over = new Promise((resolve) => {
      this.#timer = setTimeout(() => {
        this.isOver = true;
        resolve();
      }, ms);
    });
  }

  /** Clears the timer; `over` stays pending. */
  cancel(): void {
    clearTimeout(this.#timer);
  }
}
