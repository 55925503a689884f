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
  /** Maximum number of parts in flight. */
  readonly concurrency: number;
}

/**
 * Splits bytes into parts and uploads them while more are written. Holds one part more than may be in flight, and then
 * makes the writer wait.
 *
 * `Upload` of `@aws-sdk/lib-storage` does not fit: it makes the object visible by itself (at once if it has a single
 * part), and pulls from a stream whose buffers come on top of the parts it holds.
 */
export class MultipartWriter {
  readonly #options: MultipartOptions;
  readonly #created: Promise<Upload>;
  /** Cancels requests in flight. */
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  readonly #parts: UploadedPart[] = [];
  #failure: unknown;
  #failed = false;
  #sent = 0;
  #number = 1;
  #buffer: Buffer | undefined;
  #filled = 0;

  /** Starts the upload at once, so that its first request runs while the first part fills. */
  constructor(options: MultipartOptions) {
    this.#options = options;
    this.#created = this.#create();
    // A failure surfaces when the first part is sent.
    this.#created.catch(() => undefined);
  }

  /** Copies the chunks; waits while `concurrency` parts are in flight and the next one is full. */
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

  /** Sends the rest. The upload is then complete except for the completing request. */
  async end(): Promise<{ readonly upload: Upload; readonly parts: UploadedPart[] }> {
    if (this.#buffer !== undefined) await this.#send(this.#buffer);
    await Promise.all(this.#sending);
    this.#throwFailure();
    return { upload: await this.#created, parts: this.#parts.sort((a, b) => a.number - b.number) };
  }

  /** Cancels requests in flight and aborts the upload. */
  async abort(): Promise<void> {
    this.#fail(new Error('The upload was aborted'));
    await Promise.all(this.#sending);
    this.#buffer = undefined;
    const upload = await this.#created.catch(() => undefined);
    if (upload !== undefined) await this.#options.bucket.uploads.abort(upload);
  }

  async #create(): Promise<Upload> {
    const { bucket, object, journal } = this.#options;
    // Not cancelled: an upload whose id never arrived could not be aborted.
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
        // The next write reports it. The buffer is not reused: the system may still be reading it.
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
