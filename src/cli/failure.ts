import { EXIT_CODES, LakeportError } from '../errors.js';
import type { CliContext } from './context.js';
import { personLines } from './log-sinks.js';
import { failureDocument } from './run-json.js';

/** The error to show for anything that was thrown. */
export function asFailure(thrown: unknown): LakeportError {
  const error = LakeportError.from(thrown);
  if (error.exit !== 'unexpected' || error.hint !== undefined) return error;
  const hint = '--log_level DEBUG shows where it happened; please report it with that.';
  return new LakeportError({ ...error.toData(), hint, cause: thrown });
}

/** Shows an error for which there is no log yet: a sentence and a hint. */
export function showFailure({ message, hint }: LakeportError, { stderr, redactor }: CliContext): void {
  const event = { level: 'CRITICAL', message, hint } as const;
  stderr.write(`${redactor.redact(personLines(event, stderr))}\n`);
}

/** The document on stdout, where `--json` promises one. */
export function writeFailureDocument(error: LakeportError, command: string, context: CliContext): void {
  writeDocument(failureDocument(error, command), context);
}

/** One JSON document on stdout, without secrets. */
export function writeDocument(document: object, { stdout, redactor }: CliContext): void {
  stdout.write(`${JSON.stringify(redactor.redactData(document), undefined, 2)}\n`);
}

export function exitCodeOf(error: LakeportError): number {
  return EXIT_CODES[error.exit];
}
