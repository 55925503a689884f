import { field, textField } from '../http/error-mapping.js';

/** An answer that the Azure client has thrown. */
export interface AzureAnswer {
  readonly status: number;
  /** The service's name of the error, such as `ContainerNotFound`. */
  readonly code: string | undefined;
  /** Why the service has not let somebody in; empty where it does not say so. */
  readonly authenticationDetail: string;
  /** First line of what the service says. */
  readonly message: string;
  /** False where somebody else has answered: the service puts its request id into every answer. */
  readonly isAzure: boolean;
  readonly retryAfter: string | undefined;
  /** When the answer was made, by the other side's clock, in milliseconds since 1970. */
  readonly date: number | undefined;
}

/** Undefined where nobody has answered. */
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

/** True where the service has refused a request with one of these codes. */
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
