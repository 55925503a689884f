import { field, textField } from '../http/error-mapping.js';

/** An error response thrown by the Azure client. */
export interface AzureAnswer {
  readonly status: number;
  /** The service's error code, such as `ContainerNotFound`. */
  readonly code: string | undefined;
  /** Why authentication failed; empty if the service does not tell. */
  readonly authenticationDetail: string;
  /** First line of the service's message. */
  readonly message: string;
  /** False for a response from something else: the service puts its request id into every response. */
  readonly isAzure: boolean;
  readonly retryAfter: string | undefined;
  /** Time of the response by the other side's clock, in milliseconds since 1970. */
  readonly date: number | undefined;
}

/** Undefined if there was no response. */
export function answerOf(thrown: unknown): AzureAnswer | undefined {
  const response = field(thrown, 'response');
  const status = field(response, 'status');
  if (typeof status !== 'number' || !(thrown instanceof Error)) return undefined;
  const header = headersOf(response);
  const date = Date.parse(header('date') ?? '');
  return {
    status,
    code: header('x-ms-error-code') ?? textField(field(thrown, 'details'), 'errorCode') ?? textField(thrown, 'code'),
    authenticationDetail: textField(field(thrown, 'details'), 'authenticationErrorDetail') ?? '',
    message: thrown.message.split('\n')[0] ?? '',
    isAzure: header('x-ms-request-id') !== undefined,
    retryAfter: header('retry-after'),
    date: Number.isNaN(date) ? undefined : date,
  };
}

/** Whether the service rejected a request with one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  const code = answerOf(thrown)?.code;
  return code !== undefined && codes.includes(code);
}

function headersOf(response: unknown): (name: string) => string | undefined {
  const headers = field(response, 'headers');
  const get = field(headers, 'get');
  if (typeof get !== 'function') return () => undefined;
  return (name) => {
    const value: unknown = get.call(headers, name);
    return typeof value === 'string' ? value : undefined;
  };
}
