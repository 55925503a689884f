import { EXIT_CODES, LakeportError } from '../../errors.js';
import type { CliContext } from '../context.js';
import { failureDocument } from './run-json.js';

/** The error to show for anything that was thrown. */
export function asFailure(thrown: unknown): LakeportError {
  const error = LakeportError.from(thrown);
  if (error.exit !== 'unexpected' || error.hint !== undefined) return error;
  const hint = '--log-level DEBUG shows where it happened; please report it with that.';
  return new LakeportError({ ...error.toData(), hint, cause: thrown });
}

/** What a document says about the failed command. */
export interface FailedCommand {
  /** Name in JSON documents. */
  readonly command: string;
  /** The run that the command makes, finishes or shows. */
  readonly runId?: string | undefined;
}

/**
 * Shows an error that ends the command. With `--json`, also writes it to stdout in place of the result, unless a
 * document is already there.
 */
export function showFailure(
  error: LakeportError,
  context: CliContext,
  { json, ...failed }: FailedCommand & { readonly json: boolean } = context.request,
): void {
  context.log.current.error(error, 'CRITICAL', { exit_code: exitCodeOf(error) });
  if (json && !context.stdout.hasWritten) writeDocument(failureDocument(error, failed), context);
}

/** One JSON document on stdout, without secrets. */
export function writeDocument(document: object, { stdout, redactor }: CliContext): void {
  stdout.write(`${JSON.stringify(redactor.redactData(document), undefined, 2)}\n`);
}

export function exitCodeOf(error: LakeportError): number {
  return EXIT_CODES[error.exit];
}
