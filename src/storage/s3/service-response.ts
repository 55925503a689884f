import { field } from '../http/error-mapping.js';

/** A service's error response, extracted from the AWS SDK's exceptions. */
export interface ServiceAnswer {
  /** HTTP status. */
  readonly status: number;
  /** The service's own code, such as `NoSuchBucket`; the SDK's guess if the response had no body, as for HEAD. */
  readonly code: string;
  readonly message: string;
  readonly requestId: string | undefined;
  /** The bucket's region, if the response contains it. */
  readonly region: string | undefined;
}

/** The response behind a thrown value; undefined if there was none. */
export function answerOf(thrown: unknown): ServiceAnswer | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const metadata = field(thrown, '$metadata');
  const status = field(metadata, 'httpStatusCode');
  if (typeof status !== 'number') return undefined;
  return {
    status,
    code: thrown.name,
    message: thrown.message,
    requestId: text(field(metadata, 'requestId')),
    region:
      headerOf(thrown, 'x-amz-bucket-region') ??
      text(field(thrown, 'Region')) ??
      /expecting '([\w-]+)'/.exec(thrown.message)?.[1],
  };
}

/** A header of the response that the SDK's exceptions hide. */
function headerOf(thrown: Error, name: string): string | undefined {
  return text(field(field(field(thrown, '$response'), 'headers'), name));
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
