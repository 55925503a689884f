import { EXIT_CODES } from '../../errors.js';
import type { Log } from './event-log.js';

/** The log that a command writes to: the one of its session, and before it has one, stderr in the form that was asked for. */
export class CurrentLog {
  /** A log file lacks events, as it could not be written. */
  isIncomplete = false;
  #log: Log;

  constructor(first: Log) {
    this.#log = first;
  }

  get current(): Log {
    return this.#log;
  }

  /** Takes another log. Returns what goes back to the one before. */
  use(log: Log): () => void {
    const before = this.#log;
    this.#log = log;
    return () => (this.#log = before);
  }

  /** The exit code of a command that has done its work: a log that was asked for, and is not there, is a failure. */
  exitCode(code: number): number {
    return code === 0 && this.isIncomplete ? EXIT_CODES.unexpected : code;
  }
}
