import { randomUUID } from 'node:crypto';

import type { S3Entry } from './info.js';
import { LakeportError } from '../../errors.js';
import { assertSafePath, directoryOf } from '../path.js';
import type { Agents } from '../http/agents.js';
import type {
  StagedState,
  PartWriter,
  RemoveOptions,
  RunIdentity,
  StagedPart,
  StageOptions,
  Storage,
  StoredObject,
  WriteOptions,
} from '../storage.js';
import { openBucket, type S3Bucket } from './bucket.js';
import { versionOf } from './conditions.js';
import { MultipartWriter } from './multipart-writer.js';
import { hiddenKeyBeside, isHidden, ObjectKeys, RUNS_DIRECTORY, WRITE_TEST_PATH } from './object-keys.js';
import { partSettings, smallObjectSettings } from './object-settings.js';
import { PartBuffers } from './part-buffers.js';
import { PartPublisher } from './part-publisher.js';
import { type PartSizes, partSizes } from './part-size.js';
import { S3PartWriter } from './part-writer.js';
import { RunNotes } from './run-notes.js';
import { S3Run } from './s3-run.js';
import { MARK } from './staged-token.js';
import { sweep } from './sweep.js';
import { UploadJournal } from './upload-journal.js';

/** Cloudflare R2, "Multipart upload": all parts but the last have one size. */
const UNIFORM_PARTS = /\.r2\.cloudflarestorage\.com$/;

export interface S3StorageOptions {
  readonly entry: S3Entry;
  readonly agents: Agents;
  /** For tests: largest object, in bytes, that is copied by one request. */
  readonly pieceBytes?: number;
}

/** A bucket. A part is staged as a multipart upload that is not completed, and published by completing it. */
export class S3Storage implements Storage {
  readonly id: string;
  readonly kind = 's3';
  readonly capabilities = { atomicPublish: true, resumableStage: true, conditionalWrites: true };
  readonly #entry: S3Entry;
  readonly #agents: Agents;
  readonly #bucket: S3Bucket;
  readonly #keys: ObjectKeys;
  readonly #buffers: PartBuffers;
  readonly #publisher: PartPublisher;
  /** By run id. */
  readonly #journals = new Map<string, UploadJournal>();
  #run: S3Run | undefined;

  constructor({ entry, agents, pieceBytes }: S3StorageOptions) {
    this.id = entry.id;
    this.#entry = entry;
    this.#agents = agents;
    this.#bucket = openBucket(entry, agents);
    this.#keys = new ObjectKeys(entry.info.basePath);
    this.#buffers = new PartBuffers(entry.info.uploadConcurrency + 1);
    this.#publisher = new PartPublisher({
      bucket: this.#bucket,
      note: (runId, upload) => this.#journal(runId).add(upload),
      pieceBytes,
    });
  }

  display(path: string): string {
    return this.#bucket.requests.display(this.#keys.keyOf(path));
  }

  /** Most memory that a writer takes for parts on their way, in bytes, while the object is not larger than expected. */
  writerMemoryBytes(expectedBytes?: number): number {
    return this.#sizes(expectedBytes).first * (this.#entry.info.uploadConcurrency + 1);
  }

  async prepare(): Promise<void> {
    await this.#findBucket();
    await this.put(WRITE_TEST_PATH, new Uint8Array());
    try {
      await this.remove([WRITE_TEST_PATH]);
    } catch (error) {
      // A first export needs no right to delete; a later one is told so when it comes to that.
      if (!(error instanceof LakeportError && error.code === 'S3_ACCESS_DENIED')) throw error;
    }
  }

  stage(path: string, options: StageOptions): Promise<PartWriter> {
    const { runId, expectedBytes, provisional = false } = options;
    const finalKey = this.#keys.keyOf(path);
    const mark = randomUUID();
    const openUpload = () =>
      new MultipartWriter({
        bucket: this.#bucket,
        object: {
          key: provisional ? hiddenKeyBeside(finalKey, runId) : finalKey,
          settings: partSettings(this.#entry.info),
          metadata: { [MARK]: mark },
        },
        journal: this.#journal(runId),
        sizes: this.#sizes(expectedBytes),
        buffers: this.#buffers,
        concurrency: this.#entry.info.uploadConcurrency,
      });
    const tokenBase = { runId, bucket: this.#bucket.requests.bucket, mark, provisional };
    return Promise.resolve(new S3PartWriter({ storageId: this.id, path, openUpload, tokenBase }));
  }

  async publish(part: StagedPart, path: string, { replaces, confirm }: WriteOptions = {}): Promise<void> {
    if (directoryOf(part.path) !== directoryOf(path)) {
      throw new LakeportError({
        code: 'PART_OF_OTHER_DIRECTORY',
        exit: 'unexpected',
        message: `A part staged in ${directoryOf(part.path)} cannot be published as ${path}`,
      });
    }
    const [key, stagedKey] = [this.#keys.keyOf(path), this.#keys.keyOf(part.path)];
    await this.#publisher.publish(part, { key, stagedKey, replaces, confirm });
  }

  locate(part: StagedPart, path: string): Promise<StagedState> {
    return this.#publisher.locate(part, this.#keys.keyOf(path));
  }

  discard(part: StagedPart): Promise<void> {
    return this.#publisher.withdraw(part);
  }

  async put(path: string, content: Uint8Array, { replaces }: WriteOptions = {}): Promise<void> {
    const object = { key: this.#keys.keyOf(path), settings: smallObjectSettings(this.#entry.info) };
    await this.#bucket.objects.put(object, content, replaces);
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    return await this.#bucket.objects.get(this.#keys.keyOf(path));
  }

  async find(path: string): Promise<StoredObject | undefined> {
    const found = await this.#bucket.objects.head(this.#keys.keyOf(path));
    return found === undefined ? undefined : { path, bytes: found.bytes, version: versionOf(found) };
  }

  async list(directory: string): Promise<StoredObject[]> {
    const prefix = this.#keys.prefixOf(directory);
    const objects = await this.#bucket.objects.list(prefix);
    return objects
      .filter(({ key }) => !isHidden(key.slice(prefix.length)))
      .map((object) => ({ path: this.#keys.pathOf(object.key), bytes: object.bytes, version: versionOf(object) }));
  }

  async remove(paths: readonly string[], { versions }: RemoveOptions = {}): Promise<void> {
    const known = new Map<string, string>();
    const unknown: string[] = [];
    for (const path of paths) {
      const version = versions?.get(path);
      if (version === undefined) unknown.push(this.#keys.keyOf(path));
      else known.set(this.#keys.keyOf(path), version);
    }
    await this.#bucket.objects.removeVersions(known);
    await this.#bucket.objects.remove(unknown);
  }

  async beginRun({ runId, onLost, findPublisher }: RunIdentity): Promise<void> {
    this.#run = await S3Run.begin({
      bucket: this.#bucket,
      keys: this.#keys,
      runId,
      display: (path) => this.display(path),
      onLost,
      findPublisher,
    });
  }

  async claim(directories: readonly string[]): Promise<void> {
    directories.forEach(assertSafePath);
    if (this.#run === undefined) throw new TypeError('directories are claimed by a run');
    await this.#run.claims.take(directories);
  }

  async confirmClaim(): Promise<void> {
    await this.#run?.lease.confirm();
  }

  sweep(): Promise<number> {
    return sweep(new RunNotes(this.#bucket, this.#keys), this.#run?.runId);
  }

  async endRun(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    await run?.end();
  }

  close(): Promise<void> {
    this.#run?.abandon();
    this.#run = undefined;
    this.#bucket.requests.client.destroy();
    this.#agents.destroy();
    return Promise.resolve();
  }

  /** Some stores make a bucket that is missing with the first object put into it: a mistyped name has to fail before. */
  async #findBucket(): Promise<void> {
    if (this.#entry.info.endpointUrl === undefined) return;
    try {
      await this.#bucket.objects.list(this.#keys.prefixOf(RUNS_DIRECTORY));
    } catch (error) {
      // Who may not list is told so where it matters.
      if (!(error instanceof LakeportError && error.code === 'S3_ACCESS_DENIED')) throw error;
    }
  }

  #sizes(expectedBytes: number | undefined): PartSizes {
    const { partSizeBytes, endpointUrl } = this.#entry.info;
    const host = endpointUrl === undefined ? '' : new URL(endpointUrl).hostname;
    return partSizes({ partSizeBytes, expectedBytes, uniform: UNIFORM_PARTS.test(host) });
  }

  #journal(runId: string): UploadJournal {
    const known = this.#journals.get(runId);
    if (known !== undefined) return known;
    const journal = new UploadJournal({ bucket: this.#bucket, keys: this.#keys, runId });
    this.#journals.set(runId, journal);
    return journal;
  }
}
