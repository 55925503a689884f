import { LakeportError } from '../../errors.js';
import type { WriteOutcome } from '../model/rows.js';
import type { RunState } from '../model/run-state.js';
import type { LogStore } from '../store/log-store.js';
import type { LogListener } from './log-listener.js';

export interface WriterOptions {
  /** How long rows are gathered before they are written. */
  readonly gatherMs?: number;
  readonly heartbeatMs?: number;
  /** Waits after failures, the last one again and again. */
  readonly retryMs?: readonly number[];
}

const GATHER_MS = 250;
const HEARTBEAT_MS = 15_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000];

/**
 * Brings rows into the log, a batch at a time, and its run's heartbeat. Never throws, and nobody waits for it but at the
 * run's end.
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
  /** In a row. */
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

  /** True after `stop`, and where another process has taken the run. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** There are rows to be written. */
  changed(): void {
    this.#schedule(this.#gatherMs);
  }

  /** When nothing is being written. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Writes what there is, now. False where the log did not take it; it is tried again later. */
  async flush(): Promise<boolean> {
    await this.settled();
    if (this.#stopped) return false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#write();
    await this.#writing;
    return this.#rows.isWritten;
  }

  /** Writes everything, for as long as the log may take. False where it could not be written. */
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

  /** Ends the heartbeat; nothing more is written. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#timer);
  }

  /** Whatever is done at the next time includes everything that was asked for before. */
  #schedule(afterMs: number): void {
    if (this.#stopped || this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = setTimeout(() => void this.flush(), afterMs);
    // What is unwritten at the end is waited for by `finish`, not by this.
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

/** Some time, in which the process does not end. */
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

  /** Nobody waits for it any more. */
  cancel(): void {
    clearTimeout(this.#timer);
  }
}
