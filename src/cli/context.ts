import type { Redactor } from '../auth/redaction.js';
import type { LakeportError } from '../errors.js';
import type { CurrentLog } from './logging/current-log.js';
import type { OutputRequest } from './flags/output-request.js';
import type { Output } from './terminal/output.js';

/** What a command has of the process it runs in. */
export interface CliContext {
  /** The command's result, nothing else. */
  readonly stdout: Output;
  /** Log and progress. */
  readonly stderr: Output;
  /** Where events go that are of no session, such as what ends the process. */
  readonly log: CurrentLog;
  /** Of the whole command line. */
  readonly request: OutputRequest;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, with an `Interruption` as its reason. */
  readonly signal: AbortSignal;
  /** Says why and ends the process at once, which leaves everything as it is: it is somebody else's now. */
  readonly abandon: (error: LakeportError) => void;
  /** Knows every secret that was read; all that is written goes through it. */
  readonly redactor: Redactor;
}
