import { EXIT_CODES } from '../../errors.js';
import type { Log } from './event-log.js';

/** The log that a command writes to: its session's, or before that, stderr in the requested format. */
export class CurrentLog {
  /** A log file lacks events because it could not be written. */
  isIncomplete = false;
  #log: Log;

  constructor(first: Log) {
    this.#log = first;
  }

  get current(): Log {
    return this.#log;
  }

  /** Switches to another log. Returns a function that switches back. */
  use(log: Log): () => void {
    const before = this.#log;
    this.#log = log;
    return () => (this.#log = before);
  }

  /** The exit code of a finished command: an incomplete log file is a failure. */
  exitCode(code: number): number {
    return code === 0 && this.isIncomplete ? EXIT_CODES.unexpected : code;
  }
}
