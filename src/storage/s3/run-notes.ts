import { nameOf } from '../path.js';
import type { S3Bucket } from './bucket.js';
import {
  isHidden,
  type ObjectKeys,
  parseNotePath,
  runDirectory,
  runMarkerPath,
  RUNS_DIRECTORY,
} from './object-keys.js';
import type { ListedObject } from './objects.js';
import { type MarkerContent, parseMarker } from './marker.js';
import { readJournal } from './upload-journal.js';

/** What runs have noted about themselves below a base. */
export class RunNotes {
  readonly #bucket: S3Bucket;
  readonly #keys: ObjectKeys;

  constructor(bucket: S3Bucket, keys: ObjectKeys) {
    this.#bucket = bucket;
    this.#keys = keys;
  }

  async ofRun(runId: string): Promise<ListedObject[]> {
    return await this.#bucket.objects.list(this.#keys.prefixOf(runDirectory(runId)));
  }

  async byRun(): Promise<Map<string, ListedObject[]>> {
    const runs = new Map<string, ListedObject[]>();
    for (const object of await this.#bucket.objects.list(this.#keys.prefixOf(RUNS_DIRECTORY))) {
      const runId = this.parse(object)?.runId;
      if (runId === undefined) continue;
      const notes = runs.get(runId) ?? [];
      runs.set(runId, notes);
      notes.push(object);
    }
    return runs;
  }

  parse({ key }: ListedObject): ReturnType<typeof parseNotePath> {
    return parseNotePath(this.#keys.pathOf(key));
  }

  async marker(runId: string): Promise<MarkerContent | undefined> {
    return parseMarker(await this.#bucket.objects.get(this.#keys.keyOf(runMarkerPath(runId))));
  }

  /** How long ago a run has written any of its notes, by the store's clock, in milliseconds. */
  silentMs(notes: readonly ListedObject[]): number {
    return this.#bucket.requests.now() - Math.max(...notes.map((note) => note.modifiedAt));
  }

  /**
   * Withdraws the uploads that a run's notes name, and removes the notes. Only uploads that the run has noted itself are
   * touched. Returns how many there were.
   */
  async remove(notes: readonly ListedObject[]): Promise<number> {
    const { objects, uploads } = this.#bucket;
    let removed = 0;
    const hidden: string[] = [];
    for (const note of notes) {
      if (this.parse(note)?.kind !== 'journal') continue;
      const content = await objects.get(note.key);
      for (const upload of content === undefined ? [] : readJournal(content)) {
        if (uploads.isSettled(upload)) continue;
        // One that was published or withdrawn is not there any more.
        if (await uploads.abort(upload)) removed++;
        // A part on its way to its final name may lie whole under a hidden one.
        if (isHidden(nameOf(upload.key))) hidden.push(upload.key);
      }
    }
    // The notes go last: should this fail half way, the next run finds them again.
    await objects.remove(hidden);
    await objects.remove(notes.map((note) => note.key));
    return removed;
  }
}
