import { field } from '../http/error-mapping.js';
import type { HttpAnswer } from '../http/request.js';

/** An unsuccessful response of the service, or of something in its place. */
export class GcsAnswerError extends Error {
  override readonly name = 'GcsAnswerError';
  readonly status: number;
  /** The Google client expects the status under this name. */
  readonly code: number;
  /** The JSON API's reason, such as `rateLimitExceeded`; undefined if the response is not from that API. */
  readonly reason: string | undefined;
  /** The missing permission, if the service names it. */
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

/** A web page in place of the service's JSON. */
export class GcsWebPageError extends Error {
  override readonly name = 'GcsWebPageError';
  readonly status: number;

  constructor(status: number) {
    super(`The response is a web page (HTTP ${status})`);
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

/** Some of the service's own errors are plain text; an HTML page comes from something else. */
export function isWebPage(body: Buffer): boolean {
  return /^\s*<(?:!doctype|html|head|body|title)\b/i.test(body.subarray(0, 200).toString());
}
