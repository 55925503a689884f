import type { Redactor } from '../auth/redaction.js';
import type { LakeportError } from '../errors.js';
import type { CurrentLog } from './logging/current-log.js';
import type { OutputRequest } from './flags/output-request.js';
import type { Output } from './terminal/output.js';

/** What a command gets from its process. */
export interface CliContext {
  /** The command's result, nothing else. */
  readonly stdout: Output;
  /** Log and progress. */
  readonly stderr: Output;
  /** The current log, also for events outside a session, such as one that ends the process. */
  readonly log: CurrentLog;
  /** The output that the command line asks for. */
  readonly request: OutputRequest;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, with an `Interruption` as its reason. */
  readonly signal: AbortSignal;
  /** Reports the error and ends the process at once, without cleanup: another process owns the run now. */
  readonly abandon: (error: LakeportError) => void;
  /** Knows every secret that was read; all output goes through it. */
  readonly redactor: Redactor;
}
