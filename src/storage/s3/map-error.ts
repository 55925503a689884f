import { ENVIRONMENT } from '../../environment.js';
import { LakeportError } from '../../errors.js';
import { type Explanation, explainedError, field } from '../http/error-mapping.js';
import { explainNetworkError, explainWebPage } from '../http/network-error.js';
import { explainCredentialsError } from './credentials-error.js';
import type { S3Attempt } from './error-mapping.js';
import { S3_SECRET_VARIABLES } from './info.js';
import { answerOf, type ServiceAnswer } from './service-response.js';
import { explainAnswer } from './service-error.js';

/** Thrown if something other than an S3 service responds. */
export class WebPageAnswer extends Error {
  override readonly name = 'WebPageAnswer';
  readonly status: number;

  constructor(status: number) {
    super(`The response is a web page (HTTP ${status})`);
    this.status = status;
  }
}

/** Maps a failed request to a `LakeportError` without secrets. Errors that are already mapped pass unchanged. */
export function explain(thrown: unknown, attempt: S3Attempt): LakeportError {
  if (thrown instanceof LakeportError) return thrown;
  const { entry, place, shown } = attempt;
  const { credentials } = entry.info;
  const answer = answerOf(thrown);
  const secrets =
    credentials.kind === 'keys' ? [credentials.accessKeyId, credentials.secretAccessKey, credentials.sessionToken] : [];
  const ofEnvironment = S3_SECRET_VARIABLES.map((name) => ENVIRONMENT[name]);
  const failed = { place, shown, detail: detailOf(thrown, answer), secrets: [...secrets, ...ofEnvironment] };
  return explainedError(explanationOf(thrown, attempt, answer), failed, thrown);
}

function explanationOf(thrown: unknown, attempt: S3Attempt, answer: ServiceAnswer | undefined): Explanation {
  if (thrown instanceof WebPageAnswer) return explainWebPage(attempt.place, thrown.status);
  const withoutAnswer = explainCredentialsError(attempt, thrown) ?? explainNetworkError(attempt.place, thrown);
  if (withoutAnswer !== undefined) return withoutAnswer;
  if (answer !== undefined) {
    // A successful response that cannot be parsed is not from S3.
    return answer.status < 300 ? explainWebPage(attempt.place, answer.status) : explainAnswer(attempt, answer);
  }
  const status = field(field(thrown, '$response'), 'statusCode');
  if (typeof status === 'number') return explainWebPage(attempt.place, status);
  return {
    code: 'S3_REQUEST_FAILED',
    message: `${attempt.operation} of ${attempt.shown} failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
  };
}

/** The service's own code, HTTP status or request id. */
function detailOf(thrown: unknown, answer: ServiceAnswer | undefined): string {
  if (answer === undefined) {
    const code = field(thrown, 'code');
    return typeof code === 'string' ? code : thrown instanceof Error ? thrown.name : typeof thrown;
  }
  const request = answer.requestId === undefined ? '' : `, request ${answer.requestId}`;
  return `${answer.code} (HTTP ${answer.status}${request})`;
}
