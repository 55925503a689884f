import { LakeportError } from '../../errors.js';
import type { LogListener } from './log-listener.js';
import { LogWriter, type WriterOptions } from './log-writer.js';
import { RunRecorder } from './run-recorder.js';
import type { PlaceOf } from '../model/run-events.js';
import type { RunState } from '../model/run-state.js';
import type { LogStore } from '../store/log-store.js';

/** How long the end of a run waits for a log that does not answer. */
const FINISH_MS = 10_000;

export interface LoggedRunOptions {
  readonly store: LogStore;
  readonly rows: RunState;
  readonly redact: (text: string) => string;
  readonly placeOf?: PlaceOf | undefined;
  readonly listener: LogListener;
  readonly writer?: WriterOptions | undefined;
  /** Saves the run to a file, for a later run to log. Returns the file's path. */
  readonly keep: (rows: RunState) => string;
}

/** A run that is being logged. */
export class ActiveRun {
  readonly recorder: RunRecorder;
  readonly #options: LoggedRunOptions;
  readonly #writer: LogWriter;

  constructor(options: LoggedRunOptions) {
    const { store, rows, redact, placeOf, listener, writer } = options;
    this.#options = options;
    this.#writer = new LogWriter(store, rows, { ...writer, listener });
    this.recorder = new RunRecorder({ rows, redact, placeOf, onChange: () => this.#writer.changed() });
  }

  get runId(): string {
    return this.recorder.runId;
  }

  /** Writes everything recorded so far. False if that fails now; it is retried later. */
  flush(): Promise<boolean> {
    return this.#writer.flush();
  }

  /** The last call, instead of `finish`: removes the run from the log. Never throws. */
  async withdraw(): Promise<void> {
    const { store, rows } = this.#options;
    const { run_id: runId, holder } = rows.run;
    this.#writer.stop();
    await this.#writer.settled();
    // A run that cannot be removed is shown as interrupted, which does no harm.
    await store.removeRun({ runId, holder }).catch(() => undefined);
  }

  /**
   * The last call: writes everything that is left within the time given, or else saves the run to a file that the next run
   * with this log picks up. Never throws.
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
