import { field } from '../http/error-mapping.js';

/** What a service answered to a request that it refused, read from the exceptions of the AWS SDK. */
export interface ServiceAnswer {
  /** HTTP status. */
  readonly status: number;
  /** The service's own code, `NoSuchBucket`; the SDK's guess where the answer had no body, as to HEAD. */
  readonly code: string;
  readonly message: string;
  readonly requestId: string | undefined;
  /** The region in which the bucket is, where the answer tells it. */
  readonly region: string | undefined;
}

/** The answer behind a thrown value; undefined where no service answered. */
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

/** A header of the answer that the SDK hides in its exceptions. */
function headerOf(thrown: Error, name: string): string | undefined {
  return text(field(field(field(thrown, '$response'), 'headers'), name));
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
