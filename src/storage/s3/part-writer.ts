import { createHash } from 'node:crypto';

import type { PartWriter, StagedPart } from '../storage.js';
import type { MultipartWriter } from './multipart-writer.js';
import type { InlineToken, UploadToken } from './staged-token.js';

/**
 * A part up to this size is kept in its token and sent when it is published: one request instead of four, and nothing to
 * clean up. With many small tables, most parts are of this kind.
 */
const INLINE_BYTES = 64 * 1024;

export interface S3PartOptions {
  readonly storageId: string;
  /** The path that the part is staged for. */
  readonly path: string;
  /** Starts a multipart upload, as soon as the part turns out to be large. */
  readonly openUpload: () => MultipartWriter;
  /** Fields of an upload's token besides its id and its parts. */
  readonly tokenBase: Omit<UploadToken, 'kind' | 'key' | 'uploadId' | 'parts'>;
}

/** Writes one part: into memory while it is small, then into a multipart upload that is left uncompleted. */
export class S3PartWriter implements PartWriter {
  readonly #options: S3PartOptions;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #small: Uint8Array[] = [];
  #upload: MultipartWriter | undefined;
  #aborted: Promise<void> | undefined;

  constructor(options: S3PartOptions) {
    this.#options = options;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
    }
    if (this.#upload !== undefined) {
      await this.#upload.write(chunks);
      return;
    }
    this.#small.push(...chunks);
    if (this.#bytes <= INLINE_BYTES) return;
    const written = this.#small;
    this.#small = [];
    this.#upload = this.#options.openUpload();
    await this.#upload.write(written);
  }

  async end(): Promise<StagedPart> {
    const { storageId, path } = this.#options;
    const token = await this.#token();
    return { storageId, path, bytes: this.#bytes, sha256: this.#hash.digest('hex'), token };
  }

  abort(): Promise<void> {
    this.#small = [];
    this.#aborted ??= this.#upload?.abort() ?? Promise.resolve();
    return this.#aborted;
  }

  async #token(): Promise<InlineToken | UploadToken> {
    if (this.#upload === undefined) {
      const { provisional } = this.#options.tokenBase;
      return { kind: 'inline', content: Buffer.concat(this.#small).toString('base64'), provisional };
    }
    const { upload, parts } = await this.#upload.end();
    return { kind: 'upload', ...this.#options.tokenBase, ...upload, parts };
  }
}
