import { nameOf } from '../path.js';
import type { S3Bucket } from './bucket.js';
import { isHidden, type ObjectKeys, parseNotePath, runMarkerPath, RUNS_DIRECTORY } from './object-keys.js';
import type { ListedObject } from './objects.js';
import { isRunDead } from './run-marker.js';
import { readJournal } from './upload-journal.js';

/**
 * Withdraws the uploads of runs that died, and removes their notes. Only uploads that such a run has noted itself are
 * touched. Returns how many there were.
 * @param own the run that sweeps, which is alive
 */
export async function sweep(options: {
  readonly bucket: S3Bucket;
  readonly keys: ObjectKeys;
  readonly own: string | undefined;
}): Promise<number> {
  const { bucket, keys, own } = options;
  let removed = 0;
  for (const [runId, notes] of await notesByRun(bucket, keys)) {
    if (runId === own) continue;
    const marker = await bucket.objects.get(keys.keyOf(runMarkerPath(runId)));
    const silentMs = bucket.requests.now() - Math.max(...notes.map((note) => note.modifiedAt));
    if (await isRunDead(marker, silentMs)) removed += await removeRun({ bucket, keys, notes });
  }
  return removed;
}

async function notesByRun(bucket: S3Bucket, keys: ObjectKeys): Promise<Map<string, ListedObject[]>> {
  const runs = new Map<string, ListedObject[]>();
  for (const object of await bucket.objects.list(keys.prefixOf(RUNS_DIRECTORY))) {
    const runId = parseNotePath(keys.pathOf(object.key))?.runId;
    if (runId === undefined) continue;
    const notes = runs.get(runId) ?? [];
    runs.set(runId, notes);
    notes.push(object);
  }
  return runs;
}

async function removeRun(options: {
  readonly bucket: S3Bucket;
  readonly keys: ObjectKeys;
  readonly notes: readonly ListedObject[];
}): Promise<number> {
  const { bucket, keys, notes } = options;
  let removed = 0;
  const hidden: string[] = [];
  for (const { key } of notes) {
    if (parseNotePath(keys.pathOf(key))?.kind !== 'journal') continue;
    const content = await bucket.objects.get(key);
    for (const upload of content === undefined ? [] : readJournal(content)) {
      // One that was published or withdrawn is not there any more.
      if (await bucket.uploads.abort(upload)) removed++;
      // A part on its way to its final name may lie whole under a hidden one.
      if (isHidden(nameOf(upload.key))) hidden.push(upload.key);
    }
  }
  // The notes go last: should this fail half way, the next run finds them again.
  await bucket.objects.remove(hidden);
  await bucket.objects.remove(notes.map((note) => note.key));
  return removed;
}
