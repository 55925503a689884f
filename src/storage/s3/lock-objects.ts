import { LakeportError } from '../../errors.js';
import type { LockObject, LockObjects } from '../lease/directory-locks.js';
import type { S3Bucket } from './bucket.js';
import { type ObjectKeys, runClaimPath } from './object-keys.js';
import { smallObjectSettings } from './object-settings.js';
import type { RunNotes } from './run-notes.js';

export interface S3ClaimNotesOptions {
  readonly bucket: S3Bucket;
  readonly keys: ObjectKeys;
  readonly notes: RunNotes;
  readonly runId: string;
  readonly holder: string;
}

/** Claims among the other notes of runs, by their keys. */
export class S3ClaimNotes implements LockObjects {
  readonly own: string;
  readonly #bucket: S3Bucket;
  readonly #notes: RunNotes;

  constructor({ bucket, keys, notes, runId, holder }: S3ClaimNotesOptions) {
    this.#bucket = bucket;
    this.#notes = notes;
    this.own = keys.keyOf(runClaimPath(runId, holder));
  }

  async list(): Promise<LockObject[]> {
    const claims: LockObject[] = [];
    for (const [runId, notes] of await this.#notes.byRun()) {
      const silentMs = this.#notes.silentMs(notes);
      for (const note of notes) {
        if (this.#notes.parse(note)?.kind !== 'claim') continue;
        claims.push({ name: note.key, runId, writtenAt: note.modifiedAt, silentMs });
      }
    }
    return claims;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return await this.#bucket.objects.get(name);
  }

  write(text: string): Promise<void> {
    return this.#put(this.own, text);
  }

  append(text: string, addition: string): Promise<void> {
    return this.write(text + addition);
  }

  remove(): Promise<void> {
    return this.revoke(this.own);
  }

  async revoke(name: string): Promise<void> {
    try {
      await this.#bucket.objects.remove([name]);
    } catch (error) {
      if (!(error instanceof LakeportError && error.code === 'S3_ACCESS_DENIED')) throw error;
      // Credentials that may write and not delete: a claim of nothing is as good.
      await this.#put(name, '{"directories":[]}\n');
    }
  }

  async #put(key: string, text: string): Promise<void> {
    const settings = smallObjectSettings(this.#bucket.requests.entry.info);
    await this.#bucket.objects.put({ key, settings }, Buffer.from(text));
  }
}
