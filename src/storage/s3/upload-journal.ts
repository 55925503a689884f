import { z } from 'zod';

import { uploadsPath } from '../lease/own-paths.js';
import { newNonce } from '../nonce.js';
import type { ObjectClient } from '../object-client.js';
import type { Upload } from './uploads.js';

/** An object is written anew with each upload, so it is closed before it grows large. */
const UPLOADS_PER_OBJECT = 100;

const journal = z.object({ uploads: z.array(z.object({ key: z.string(), uploadId: z.string() })) });

/**
 * Notes every multipart upload of a run in the bucket, before its first part is sent: so a later run can tell the
 * uploads of a dead one from those of other programs, which look the same and are nobody's to abort. Each thread has a
 * journal of its own.
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

  /** Settles when the upload is noted. */
  async add(upload: Upload): Promise<void> {
    if (this.#uploads.length >= UPLOADS_PER_OBJECT && this.#written === this.#uploads.length) {
      this.#name = newNonce();
      this.#uploads = [];
      this.#written = 0;
    }
    const uploads = this.#uploads;
    const position = uploads.push(upload);
    // Those that come while one request is on its way go together with the next.
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

/** The uploads that a journal's object names; none where it is not of this program's making. */
export function readJournal(content: Uint8Array): Upload[] {
  try {
    return journal.parse(JSON.parse(Buffer.from(content).toString('utf8'))).uploads;
  } catch {
    return [];
  }
}
