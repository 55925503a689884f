import type { S3Client } from '@aws-sdk/client-s3';

import type { S3Entry } from './info.js';
import type { RemotePlace } from '../http/error-mapping.js';
import { remotePlaceOf } from './error-mapping.js';
import { explain, WebPageAnswer } from './map-error.js';
import { contentTypeOf, type ObjectSettings } from './object-settings.js';
import type { S3Operation } from './operation.js';

export interface NewObject {
  readonly key: string;
  readonly settings: ObjectSettings;
  /** User metadata, names in lower case. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What all requests to a bucket share. */
export class S3Requests {
  readonly entry: S3Entry;
  readonly client: S3Client;
  readonly #place: RemotePlace;
  #accepted = false;

  constructor(entry: S3Entry, client: S3Client) {
    this.entry = entry;
    this.client = client;
    this.#place = remotePlaceOf(entry);
  }

  get bucket(): string {
    return this.entry.info.bucket;
  }

  display(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }

  /** Now, by the store's clock as of its last response, in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.client.config.systemClockOffset;
  }

  at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: key };
  }

  /** Fields of every request that creates an object. */
  creation({ key, settings, metadata }: NewObject) {
    return {
      ...this.at(key),
      ...settings,
      ContentType: contentTypeOf(key),
      ...(metadata === undefined ? {} : { Metadata: { ...metadata } }),
    };
  }

  /** An object of this bucket as the source of a copy. */
  source(key: string): string {
    // Access points, given as an ARN, have another form.
    const parts = this.bucket.startsWith('arn:') ? [...this.bucket.split('/'), 'object'] : [this.bucket];
    return [...parts, ...key.split('/')].map(encodeURIComponent).join('/');
  }

  /** Runs a request and maps its errors. */
  async send<T>(operation: S3Operation, key: string, request: () => Promise<T>): Promise<T> {
    try {
      const answer = await request();
      this.#accepted = true;
      return answer;
    } catch (error) {
      const { entry } = this;
      const attempt = { entry, place: this.#place, operation, shown: this.display(key), accepted: this.#accepted };
      throw explain(error, attempt);
    }
  }
}

/** Some web servers return 200 for everything; a store returns what was requested. */
export function expected<T>(value: T | undefined): T {
  if (value === undefined) throw new WebPageAnswer(200);
  return value;
}
