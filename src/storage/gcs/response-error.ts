import { field } from '../http/error-mapping.js';
import type { HttpAnswer } from '../http/request.js';

/** An answer of the service, or of whoever answers in its place, that is no success. */
export class GcsAnswerError extends Error {
  override readonly name = 'GcsAnswerError';
  readonly status: number;
  /** The Google client looks for the status under this name. */
  readonly code: number;
  /** The JSON API's name of the error, such as `rateLimitExceeded`; undefined where the answer is none of that API. */
  readonly reason: string | undefined;
  /** The permission that the service says is missing. */
  readonly permission: string | undefined;
  readonly headers: HttpAnswer['headers'];

  constructor(answer: HttpAnswer) {
    const error = parseError(answer.body);
    super(error?.message ?? `HTTP ${answer.status}`);
    this.status = answer.status;
    this.code = answer.status;
    this.headers = answer.headers;
    this.reason = error?.reason;
    this.permission = /\bstorage\.[A-Za-z]+\.[A-Za-z]+\b/.exec(this.message)?.[0];
  }
}

/** A page for people where the service answers in JSON. */
export class GcsWebPageError extends Error {
  override readonly name = 'GcsWebPageError';
  readonly status: number;

  constructor(status: number) {
    super(`A web page was answered (HTTP ${status})`);
    this.status = status;
  }
}

interface ServiceError {
  readonly message: string;
  readonly reason: string;
}

/** `{"error": {"code", "message", "errors": [{"reason", …}]}}`: Cloud Storage JSON API, "HTTP status and error codes". */
function parseError(body: Buffer): ServiceError | undefined {
  const error = field(parseJson(body), 'error');
  if (error === undefined) return undefined;
  const details = field(error, 'errors');
  const first: unknown = Array.isArray(details) ? details[0] : undefined;
  const [message, reason] = [field(error, 'message'), field(first, 'reason') ?? field(error, 'status')];
  return {
    message: typeof message === 'string' ? message : '',
    reason: typeof reason === 'string' ? reason : 'unknown',
  };
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** Some of the service's own errors are plain text; a page in HTML is somebody else's. */
export function isWebPage(body: Buffer): boolean {
  return /^\s*<(?:!doctype|html|head|body|title)\b/i.test(body.subarray(0, 200).toString());
}
