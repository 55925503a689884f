import { createHash } from 'node:crypto';

import { LakeportError } from '../../errors.js';
import { PieceQueue } from '../http/byte-queue.js';
import type { PartWriter, StagedPart } from '../storage.js';
import { Crc32c } from './crc32c.js';
import type { ObjectInfo } from './object-info.js';
import type { GcsObjects, UploadTarget } from './objects.js';
import { CHUNK_GRAIN, ResumableUpload } from './resumable-upload.js';
import type { GcsStaged } from './staged-token.js';

export interface GcsPartOptions {
  readonly objects: GcsObjects;
  readonly storageId: string;
  /** The path that the part is staged for. */
  readonly path: string;
  /** Path of the temporary object. */
  readonly hidden: string;
  readonly nonce: string;
  readonly partSizeBytes: number;
}

/** Chunk size of an upload, in bytes, for the entry's part size. */
export function chunkSize(partSizeBytes: number): number {
  return Math.max(1, Math.ceil(partSizeBytes / CHUNK_GRAIN)) * CHUNK_GRAIN;
}

/**
 * Writes one temporary object. A small one is uploaded in one request; a large one in chunks, one of which is in flight
 * while the next is being filled: memory holds two.
 */
export class GcsPartWriter implements PartWriter {
  readonly #options: GcsPartOptions;
  readonly #target: UploadTarget;
  readonly #chunkBytes: number;
  readonly #queue = new PieceQueue();
  readonly #sha256 = createHash('sha256');
  readonly #crc32c = new Crc32c();
  readonly #abort = new AbortController();
  #upload: ResumableUpload | undefined;
  /** The chunk in flight. Never rejects; a failure is stored in `#failure`. */
  #sending: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #bytes = 0;
  /** True once the object may exist. */
  #completing = false;

  constructor(options: GcsPartOptions) {
    this.#options = options;
    this.#target = { path: options.hidden, part: options.nonce, signal: this.#abort.signal };
    this.#chunkBytes = chunkSize(options.partSizeBytes);
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    this.#throwFailure();
    for (const chunk of chunks) {
      this.#sha256.update(chunk);
      this.#crc32c.update(chunk);
      this.#bytes += chunk.length;
    }
    this.#queue.push(chunks);
    // A full chunk waits for another byte: the last chunk must not be empty.
    while (this.#queue.bytes > this.#chunkBytes) {
      await this.#sending;
      this.#throwFailure();
      this.#send(this.#queue.take(this.#chunkBytes));
    }
  }

  async end(): Promise<StagedPart> {
    await this.#sending;
    this.#throwFailure();
    const rest = this.#queue.take(this.#queue.bytes);
    const crc32c = this.#crc32c.toString();
    this.#completing = true;
    const { objects, storageId, path, nonce } = this.#options;
    const info =
      this.#upload === undefined ? await objects.upload(this.#target, rest) : await this.#upload.send(rest, { crc32c });
    this.#check(info, crc32c);
    const sha256 = this.#sha256.digest('hex');
    return {
      storageId,
      path,
      bytes: this.#bytes,
      sha256,
      token: { object: objects.nameOf(this.#target.path), nonce } satisfies GcsStaged,
    };
  }

  async abort(): Promise<void> {
    this.#abort.abort();
    this.#failure ??= { error: new Error('The part was aborted') };
    await this.#sending;
    await this.#upload?.cancel();
    if (this.#completing) await this.#options.objects.remove([this.#target.path]);
  }

  #send(pieces: readonly Uint8Array[]): void {
    const sending = async () => {
      this.#upload ??= new ResumableUpload({
        objects: this.#options.objects,
        target: this.#target,
        session: await this.#options.objects.startUpload(this.#target),
      });
      await this.#upload.send(pieces);
    };
    this.#sending = sending().catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #check(info: ObjectInfo | undefined, crc32c: string): void {
    const complete = info?.bytes === this.#bytes && (info.crc32c === undefined || info.crc32c === crc32c);
    if (complete) return;
    throw new LakeportError({
      code: 'GCS_CHECKSUM_MISMATCH',
      message: `Checksum mismatch: Cloud Storage received different bytes for ${this.#options.path} than were sent`,
      hint: 'Look for a proxy that alters the traffic, then run again.',
    });
  }
}
