import { LakeportError, type LakeportErrorOptions } from '../../errors.js';

export interface RemoteErrorOptions extends LakeportErrorOptions {
  /** False if the request reached nothing: no such host, connection refused. */
  readonly connected?: boolean | undefined;
  /** How long the server asks to wait. */
  readonly retryAfterMs?: number | undefined;
}

/** A failed request, with what is needed to decide on a retry. */
export class RemoteError extends LakeportError {
  readonly connected: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(options: RemoteErrorOptions) {
    super(options);
    this.connected = options.connected ?? true;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Transient HTTP statuses: timeouts, throttling, and errors inside the service. */
export function isTransientStatus(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

/** The `Retry-After` header, in seconds or as a date (RFC 9110, section 10.2.3), as milliseconds from now. */
export function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return milliseconds > 0 ? milliseconds : undefined;
}
