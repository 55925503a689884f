import { Redactor } from '../../auth/redaction.js';
import { LakeportError } from '../../errors.js';
import { explainCredentialsError } from './credentials-error.js';
import type { Attempt, Explanation } from './error-mapping.js';
import { S3_SECRET_VARIABLES } from './info.js';
import { explainNetworkError, explainWebPage } from './network-error.js';
import { answerOf, field, type ServiceAnswer } from './service-response.js';
import { explainAnswer } from './service-error.js';

/** Thrown where something answered that is no S3 service. */
export class WebPageAnswer extends Error {
  override readonly name = 'WebPageAnswer';
  readonly status: number;

  constructor(status: number) {
    super(`A web page was answered (HTTP ${status})`);
    this.status = status;
  }
}

/** A failed request in this program's terms, without secrets. Errors that are explained already pass as they are. */
export function explain(thrown: unknown, attempt: Attempt): LakeportError {
  if (thrown instanceof LakeportError) return thrown;
  const redactor = redactorFor(attempt);
  const answer = answerOf(thrown);
  const explanation = explanationOf(thrown, attempt, answer);
  return new LakeportError({
    ...explanation,
    message: redactor.redact(explanation.message),
    context: { entry: attempt.entry.id, path: attempt.shown, detail: redactor.redact(detailOf(thrown, answer)) },
    cause: causeOf(thrown, redactor),
  });
}

function explanationOf(thrown: unknown, attempt: Attempt, answer: ServiceAnswer | undefined): Explanation {
  if (thrown instanceof WebPageAnswer) return explainWebPage(attempt, thrown.status);
  const withoutAnswer = explainCredentialsError(attempt, thrown) ?? explainNetworkError(attempt, thrown);
  if (withoutAnswer !== undefined) return withoutAnswer;
  if (answer !== undefined) {
    // A successful answer that could not be read is in a language other than that of S3.
    return answer.status < 300 ? explainWebPage(attempt, answer.status) : explainAnswer(attempt, answer);
  }
  const status = field(field(thrown, '$response'), 'statusCode');
  if (typeof status === 'number') return explainWebPage(attempt, status);
  return {
    code: 'S3_REQUEST_FAILED',
    exit: 'unexpected',
    message: `${attempt.operation} of ${attempt.shown} failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
  };
}

/** The other program's own words: code, HTTP status, request id. */
function detailOf(thrown: unknown, answer: ServiceAnswer | undefined): string {
  if (answer === undefined) {
    const code = field(thrown, 'code');
    return typeof code === 'string' ? code : thrown instanceof Error ? thrown.name : typeof thrown;
  }
  const request = answer.requestId === undefined ? '' : `, request ${answer.requestId}`;
  return `${answer.code} (HTTP ${answer.status}${request})`;
}

/** Name, message and stack alone: the exceptions of the SDK carry what the service echoed, access key ids included. */
function causeOf(thrown: unknown, redactor: Redactor): Error {
  const cause = new Error(redactor.redact(thrown instanceof Error ? thrown.message : String(thrown)));
  if (thrown instanceof Error) {
    cause.name = thrown.name;
    if (thrown.stack !== undefined) cause.stack = redactor.redact(thrown.stack);
  }
  return cause;
}

function redactorFor({ entry }: Attempt): Redactor {
  const redactor = new Redactor();
  const { credentials, proxyUrl } = entry.info;
  if (credentials.kind === 'keys') {
    redactor.add(credentials.accessKeyId);
    redactor.add(credentials.secretAccessKey);
    redactor.add(credentials.sessionToken ?? '');
  }
  if (proxyUrl !== undefined && URL.canParse(proxyUrl)) redactor.add(decodeURIComponent(new URL(proxyUrl).password));
  redactor.addEnvironment(process.env, S3_SECRET_VARIABLES);
  return redactor;
}
