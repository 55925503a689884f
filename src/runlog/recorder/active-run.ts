import { LakeportError } from '../../errors.js';
import type { LogListener } from './log-listener.js';
import { LogWriter, type WriterOptions } from './log-writer.js';
import { RunRecorder } from './run-recorder.js';
import type { RunState } from '../model/run-state.js';
import type { LogStore } from '../store/log-store.js';

/** Waits for a log that does not answer at the end of a run. */
const FINISH_MS = 10_000;

export interface LoggedRunOptions {
  readonly store: LogStore;
  readonly rows: RunState;
  readonly redact: (text: string) => string;
  readonly listener: LogListener;
  readonly writer?: WriterOptions | undefined;
  /** Keeps the run for a later one to log. Returns where. */
  readonly keep: (rows: RunState) => string;
}

/** A run on its way into the log. */
export class ActiveRun {
  readonly recorder: RunRecorder;
  readonly #options: LoggedRunOptions;
  readonly #writer: LogWriter;

  constructor(options: LoggedRunOptions) {
    const { store, rows, redact, listener, writer } = options;
    this.#options = options;
    this.#writer = new LogWriter(store, rows, { ...writer, listener });
    this.recorder = new RunRecorder({ rows, redact, onChange: () => this.#writer.changed() });
  }

  get runId(): string {
    return this.recorder.runId;
  }

  /** Sees to it that what was recorded so far is in the log. False where it can't be written now; it is tried again. */
  flush(): Promise<boolean> {
    return this.#writer.flush();
  }

  /** The last call in place of `finish`: the log forgets the run. Never throws. */
  async withdraw(): Promise<void> {
    const { store, rows } = this.#options;
    const { run_id: runId, holder } = rows.run;
    this.#writer.stop();
    await this.#writer.settled();
    // What can't be removed shows as interrupted, and does no harm.
    await store.removeRun({ runId, holder }).catch(() => undefined);
  }

  /**
   * The last call: writes all that is left, for as long as it may take, or else keeps it in a file from which the next run
   * with this log takes it. Never throws.
   */
  async finish(options: { readonly withinMs?: number } = {}): Promise<void> {
    const { rows, listener, keep } = this.#options;
    const isWritten = await this.#writer.finish({ withinMs: options.withinMs ?? FINISH_MS });
    const isOurs = !this.#writer.isStopped;
    this.#writer.stop();
    if (isWritten || !isOurs) return;
    try {
      listener.onKept?.(keep(rows));
    } catch (error) {
      listener.onLost?.(LakeportError.from(error));
    }
  }
}
