import type { S3Bucket } from './bucket.js';
import { LakeportError } from '../../errors.js';
import type { PartBuffers } from './part-buffers.js';
import { MAX_PARTS, type PartSizes } from './part-size.js';
import type { UploadJournal } from './upload-journal.js';
import type { NewObject } from './requests.js';
import type { Upload, UploadedPart } from './uploads.js';

export interface MultipartOptions {
  readonly bucket: S3Bucket;
  readonly object: NewObject;
  readonly journal: UploadJournal;
  readonly sizes: PartSizes;
  readonly buffers: PartBuffers;
  /** Parts on their way at the same time. */
  readonly concurrency: number;
}

/**
 * Cuts bytes into parts and sends them while more are written. Holds one part more than may be on their way, and lets
 * the writer wait from there on.
 *
 * This is not `Upload` of `@aws-sdk/lib-storage`: that one makes the object visible by itself (at once where it has a
 * single part), and pulls from a stream whose buffers come on top of the parts it holds.
 */
export class MultipartWriter {
  readonly #options: MultipartOptions;
  readonly #created: Promise<Upload>;
  /** Stops requests that are on their way. */
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  readonly #parts: UploadedPart[] = [];
  #failure: unknown;
  #failed = false;
  #sent = 0;
  #number = 1;
  #buffer: Buffer | undefined;
  #filled = 0;

  /** Begins the upload at once, so that its first request runs while the first part fills. */
  constructor(options: MultipartOptions) {
    this.#options = options;
    this.#created = this.#create();
    // Whoever sends the first part finds out.
    this.#created.catch(() => undefined);
  }

  /** Copies the chunks; waits while `concurrency` parts are on their way and the next one is full. */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      let taken = 0;
      while (taken < chunk.length) {
        this.#throwFailure();
        const buffer = (this.#buffer ??= this.#options.buffers.take(this.#options.sizes.sizeAfter(this.#sent)));
        const piece = chunk.subarray(taken, taken + buffer.length - this.#filled);
        buffer.set(piece, this.#filled);
        this.#filled += piece.length;
        taken += piece.length;
        if (this.#filled === buffer.length) await this.#send(buffer);
      }
    }
  }

  /** Sends what is left. The upload is then complete but for the request that says so. */
  async end(): Promise<{ readonly upload: Upload; readonly parts: UploadedPart[] }> {
    if (this.#buffer !== undefined) await this.#send(this.#buffer);
    await Promise.all(this.#sending);
    this.#throwFailure();
    return { upload: await this.#created, parts: this.#parts.sort((a, b) => a.number - b.number) };
  }

  /** Stops what is on its way and withdraws the upload. */
  async abort(): Promise<void> {
    this.#fail(new Error('The upload was aborted'));
    await Promise.all(this.#sending);
    this.#buffer = undefined;
    const upload = await this.#created.catch(() => undefined);
    if (upload !== undefined) await this.#options.bucket.uploads.abort(upload);
  }

  async #create(): Promise<Upload> {
    const { bucket, object, journal } = this.#options;
    // Not to be stopped: an upload whose id never arrived could not be withdrawn.
    const upload = await bucket.uploads.create(object);
    try {
      await journal.add(upload);
    } catch (error) {
      await bucket.uploads.abort(upload).catch(() => undefined);
      throw error;
    }
    return upload;
  }

  async #send(buffer: Buffer): Promise<void> {
    while (this.#sending.size >= this.#options.concurrency) await Promise.race(this.#sending);
    this.#throwFailure();
    if (this.#number > MAX_PARTS) throw this.#tooLarge();
    const body = buffer.subarray(0, this.#filled);
    const number = this.#number++;
    this.#buffer = undefined;
    this.#filled = 0;
    this.#sent += body.length;
    const sending = this.#sendPart(number, body).then(
      () => {
        this.#sending.delete(sending);
        this.#options.buffers.give(buffer);
      },
      (error: unknown) => {
        // Whoever writes next is told. The buffer is not used again: the system may still be reading it.
        this.#sending.delete(sending);
        this.#fail(error);
      },
    );
    this.#sending.add(sending);
  }

  async #sendPart(number: number, body: Uint8Array): Promise<void> {
    const upload = await this.#created;
    const { signal } = this.#stop;
    signal.throwIfAborted();
    this.#parts.push(await this.#options.bucket.uploads.uploadPart(upload, { number, body, signal }));
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#failure = error;
    this.#stop.abort();
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failure;
  }

  #tooLarge(): LakeportError {
    const { key } = this.#options.object;
    return new LakeportError({
      code: 'S3_TOO_MANY_PARTS',
      message: `${this.#options.bucket.requests.display(key)} would need more than ${MAX_PARTS} parts of an upload`,
      hint: 'Raise "part_size" of the storage entry, or split the output with --max-rows-per-file.',
    });
  }
}
