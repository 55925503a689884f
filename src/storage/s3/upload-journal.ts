import { z } from 'zod';

import { uploadsPath } from '../lease/own-paths.js';
import { newNonce } from '../nonce.js';
import type { ObjectClient } from '../object-client.js';
import type { Upload } from './uploads.js';

/** An object is rewritten with each upload, so it is closed before it becomes large. */
const UPLOADS_PER_OBJECT = 100;

const journal = z.object({ uploads: z.array(z.object({ key: z.string(), uploadId: z.string() })) });

/**
 * Notes every multipart upload of a run in the bucket before its first part is sent, so that a later run can distinguish
 * the uploads of a dead run from those of other programs, which look the same and must not be aborted. Each thread has
 * its own journal.
 */
export class UploadJournal {
  readonly #client: Pick<ObjectClient, 'put'>;
  readonly #runId: string;
  #name = newNonce();
  #uploads: Upload[] = [];
  #written = 0;
  #writing: Promise<void> | undefined;

  constructor(client: Pick<ObjectClient, 'put'>, runId: string) {
    this.#client = client;
    this.#runId = runId;
  }

  /** Resolves when the upload is noted. */
  async add(upload: Upload): Promise<void> {
    if (this.#uploads.length >= UPLOADS_PER_OBJECT && this.#written === this.#uploads.length) {
      this.#name = newNonce();
      this.#uploads = [];
      this.#written = 0;
    }
    const uploads = this.#uploads;
    const position = uploads.push(upload);
    // Uploads that arrive during a request are combined in the next one.
    while (uploads === this.#uploads && this.#written < position) {
      this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
      await this.#writing;
    }
  }

  async #write(): Promise<void> {
    const uploads = [...this.#uploads];
    await this.#client.put(uploadsPath(this.#runId, this.#name), Buffer.from(JSON.stringify({ uploads })));
    this.#written = uploads.length;
  }
}

/** The uploads in a journal object; none if it was not written by this program. */
export function readJournal(content: Uint8Array): Upload[] {
  try {
    return journal.parse(JSON.parse(Buffer.from(content).toString('utf8'))).uploads;
  } catch {
    return [];
  }
}
