import type { Redactor } from '../auth/redaction.js';
import type { LakeportError } from '../errors.js';
import type { Output } from './output.js';

/** What a command has of the process it runs in. */
export interface CliContext {
  /** The command's result, nothing else. */
  readonly stdout: Output;
  /** Log and progress. */
  readonly stderr: Output;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts at the first SIGINT or SIGTERM, with a `LakeportError` as its reason. */
  readonly signal: AbortSignal;
  /** Says why and ends the process at once, which leaves everything as it is: it is somebody else's now. */
  readonly abandon: (error: LakeportError) => void;
  /** Knows every secret that was read; all that is written goes through it. */
  readonly redactor: Redactor;
}
