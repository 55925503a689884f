import pLimit from 'p-limit';

import { LakeportError } from '../errors.js';
import { type Manifest, readManifest } from '../metadata/manifest.js';
import type { Storage } from '../storage/storage.js';
import { MANIFEST_PLACES, manifestPath } from './manifest-place.js';
import type { RunPlan, TablePlan } from './plan.js';
import { tableName } from './table-name.js';

/** Tables that are looked at at the same time. */
const AT_ONCE = 16;

export interface NewerExportsOptions {
  readonly runId: string;
  /** When the run began that is to be resumed. */
  readonly startedAt: Date;
  readonly storageOf: (id: string) => Storage;
}

/**
 * A run that was taken for dead, and replaced by another one, must not come back with older rows.
 * @throws LakeportError where a run that began later has exported one of the tables to the same place
 */
export async function refuseNewerExports(plan: RunPlan, options: NewerExportsOptions): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const found = await Promise.all(plan.tables.map((table) => limit(() => newerExport(table, options))));
  const first = plan.tables.findIndex((_, index) => found[index] !== undefined);
  const [table, newer] = [plan.tables[first], found[first]];
  if (table === undefined || newer === undefined) return;
  const count = found.filter((one) => one !== undefined).length;
  const others = count > 1 ? `, and ${count - 1} other tables,` : '';
  throw new LakeportError({
    code: 'NEWER_EXPORT',
    exit: 'usage',
    message: `Run ${newer.run_id} began after this one and has exported ${tableName(table.id)}${others} to the same place: resuming would replace newer rows by older ones`,
    hint: 'Start a new run, without --resume.',
    context: { table: tableName(table.id), path: table.displayPath },
  });
}

/** Wherever the other run has put its manifest. */
async function newerExport(
  { storageId, directory }: TablePlan,
  { runId, startedAt, storageOf }: NewerExportsOptions,
): Promise<Manifest | undefined> {
  const storage = storageOf(storageId);
  const paths = MANIFEST_PLACES.flatMap((place) => manifestPath(directory, place) ?? []);
  const found = await Promise.all(paths.map((path) => storage.get(path)));
  const manifests = found.flatMap((bytes) => (bytes === undefined ? [] : (readManifest(bytes) ?? [])));
  return manifests.find(
    ({ run_id: other, started_at: began }) => other !== runId && Date.parse(began) > startedAt.getTime(),
  );
}
