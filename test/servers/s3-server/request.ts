import type { Headers } from './checksums.js';
import type { Store } from './store.js';

/** What other servers do differently from Amazon's. */
export interface Quirks {
  /** Bodies in the `aws-chunked` framing are refused. */
  readonly noChunkedBodies?: boolean;
  /** DeleteObjects wants Content-MD5. */
  readonly deleteWantsMd5?: boolean;
  /** Only single objects can be deleted. */
  readonly noDeleteObjects?: boolean;
  /** Answers to CompleteMultipartUpload and CopyObject have an empty ETag. */
  readonly emptyEtags?: boolean;
  /** Uploads lose the user metadata. */
  readonly noUploadMetadata?: boolean;
  /** The right region is told in bodies only. */
  readonly noRegionHeader?: boolean;
  /** Encoding in lists is not supported. */
  readonly noListEncoding?: boolean;
  /** What becomes of writes with a condition; such with an ETag are never met where listings have other ETags. */
  readonly conditions?: 'ignored' | 'refused' | 'invalid' | 'never met';
}

/** A request whose signature and body are verified. */
export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly trailers: Headers;
  readonly store: Store;
  readonly quirks: Quirks;
  /** Smallest part of an upload but the last one, in bytes. */
  readonly minPart: number;
  readonly now: Date;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** XML; text and bytes alike. */
  readonly body?: string | Buffer;
}
