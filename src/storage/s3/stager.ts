import { randomUUID } from 'node:crypto';

import type { S3Entry } from './info.js';
import { isOwnPath, type OwnObject, partPath } from '../lease/own-paths.js';
import type { Withdrawal } from '../lease/store-lease.js';
import { newNonce } from '../nonce.js';
import type { ObjectClient } from '../object-client.js';
import type { Stager } from '../stager.js';
import type { PartWriter, StagedPart, StagedState, StageOptions, WriteOptions } from '../storage.js';
import type { S3Bucket } from './bucket.js';
import { MultipartWriter } from './multipart-writer.js';
import type { ObjectKeys } from './object-keys.js';
import { partSettings } from './object-settings.js';
import { PartBuffers } from './part-buffers.js';
import { PartPublisher } from './part-publisher.js';
import { type PartSizes, partSizes } from './part-size.js';
import { S3PartWriter } from './part-writer.js';
import { MARK } from './staged-token.js';
import { readJournal, UploadJournal } from './upload-journal.js';

/** Cloudflare R2, "Multipart upload": all parts but the last must have the same size. */
const UNIFORM_PARTS = /\.r2\.cloudflarestorage\.com$/;

export interface S3StagerOptions {
  readonly entry: S3Entry;
  readonly bucket: S3Bucket;
  readonly keys: ObjectKeys;
  readonly client: ObjectClient;
}

/** Stages parts as uncompleted multipart uploads, and publishes them by completing them. */
export class S3Stager implements Stager {
  readonly #entry: S3Entry;
  readonly #bucket: S3Bucket;
  readonly #keys: ObjectKeys;
  readonly #client: ObjectClient;
  readonly #buffers: PartBuffers;
  readonly #publisher: PartPublisher;
  /** By run id. */
  readonly #journals = new Map<string, UploadJournal>();

  constructor({ entry, bucket, keys, client }: S3StagerOptions) {
    this.#entry = entry;
    this.#bucket = bucket;
    this.#keys = keys;
    this.#client = client;
    this.#buffers = new PartBuffers(entry.info.uploadConcurrency + 1);
    this.#publisher = new PartPublisher({ bucket, note: (runId, upload) => this.#journal(runId).add(upload) });
  }

  /** Parts in flight and the one being filled, for an object of the expected size at most. */
  writerMemoryBytes(expectedBytes?: number): number {
    return this.#sizes(expectedBytes).first * (this.#entry.info.uploadConcurrency + 1);
  }

  stage(path: string, { runId, expectedBytes, provisional = false }: StageOptions): PartWriter {
    const mark = randomUUID();
    const openUpload = () =>
      new MultipartWriter({
        bucket: this.#bucket,
        object: {
          key: this.#keys.keyOf(provisional ? partPath(runId, newNonce()) : path),
          settings: partSettings(this.#entry.info),
          metadata: { [MARK]: mark },
        },
        journal: this.#journal(runId),
        sizes: this.#sizes(expectedBytes),
        buffers: this.#buffers,
        concurrency: this.#entry.info.uploadConcurrency,
      });
    const tokenBase = { runId, bucket: this.#bucket.requests.bucket, mark, provisional };
    return new S3PartWriter({ storageId: this.#entry.id, path, openUpload, tokenBase });
  }

  async publish(part: StagedPart, path: string, { replaces, confirm }: WriteOptions): Promise<void> {
    const [key, stagedKey] = [this.#keys.keyOf(path), this.#keys.keyOf(part.path)];
    await this.#publisher.publish(part, { key, stagedKey, replaces, confirm });
  }

  locate(part: StagedPart, path: string): Promise<StagedState> {
    return this.#publisher.locate(part, this.#keys.keyOf(path));
  }

  discard(part: StagedPart): Promise<void> {
    return this.#publisher.discard(part);
  }

  /** Only touches uploads that the runs themselves have noted. */
  async withdraw(own: readonly OwnObject[], { isDryRun }: Withdrawal): Promise<number> {
    const { objects, uploads } = this.#bucket;
    let removed = 0;
    const hidden: string[] = [];
    for (const { path, kind } of own) {
      const content = kind === 'uploads' ? (await this.#client.read(path))?.content : undefined;
      for (const upload of content === undefined ? [] : readJournal(content)) {
        if (uploads.isSettled(upload)) continue;
        if (isDryRun) {
          if (await uploads.isOpen(upload)) removed++;
          continue;
        }
        // An upload that was published or aborted no longer exists.
        if (await uploads.abort(upload)) removed++;
        // A part on its way to its place may be complete under a hidden key.
        if (isOwnPath(this.#keys.pathOf(upload.key))) hidden.push(upload.key);
      }
    }
    await objects.remove(hidden);
    return removed;
  }

  #sizes(expectedBytes: number | undefined): PartSizes {
    const { partSizeBytes, endpointUrl } = this.#entry.info;
    const host = endpointUrl === undefined ? '' : new URL(endpointUrl).hostname;
    return partSizes({ partSizeBytes, expectedBytes, uniform: UNIFORM_PARTS.test(host) });
  }

  #journal(runId: string): UploadJournal {
    const known = this.#journals.get(runId);
    if (known !== undefined) return known;
    const journal = new UploadJournal(this.#client, runId);
    this.#journals.set(runId, journal);
    return journal;
  }
}
