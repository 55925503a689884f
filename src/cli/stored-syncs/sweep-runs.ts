import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';

import { entryAddress } from '../../auth-file.js';
import { endpointOf } from '../../stores.js';
import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import type { RunRecord } from '../../runlog/index.js';
import { recordedPlaces, type StoragePlace } from '../run-history/recorded-options.js';
import { openPlaceOf } from '../run-history/run-tables.js';

/** What a sweep found, or removed. */
export interface Swept {
  /** Of each storage: its address, and the temporary files of the runs in it. */
  readonly storages: readonly { readonly storage: string; readonly files: number }[];
  /** Runs whose destinations could not be swept, and why. */
  readonly failures: readonly { readonly runs: readonly RunRecord[]; readonly error: LakeportError }[];
}

/**
 * Removes what dead runs have staged in the places that they wrote to, by the stores' own sweep: what living processes of
 * the same runs have there is left alone.
 */
export async function sweepRuns(
  runs: readonly RunRecord[],
  { auth, isDryRun }: { readonly auth: AuthFile | undefined; readonly isDryRun: boolean },
): Promise<Swept> {
  const places = new Map<string, { id: string; runs: RunRecord[] }>();
  for (const run of runs) {
    for (const [id, { server, address }] of recordedPlaces(run.settings).all) {
      const key = `${server} ${address}`;
      const known = places.get(key);
      if (known === undefined) places.set(key, { id, runs: [run] });
      else known.runs.push(run);
    }
  }
  const storages: { storage: string; files: number }[] = [];
  const failures: { runs: readonly RunRecord[]; error: LakeportError }[] = [];
  for (const { id, runs: here } of places.values()) {
    try {
      const swept = await sweepPlace(id, { runs: here, auth, isDryRun });
      if (swept !== undefined && swept.files > 0) storages.push(swept);
    } catch (thrown) {
      failures.push({ runs: here, error: LakeportError.from(thrown) });
    }
  }
  return { storages, failures };
}

/** Undefined if the place is gone, with all that was in it. */
async function sweepPlace(
  id: string,
  options: { readonly runs: readonly RunRecord[]; readonly auth: AuthFile | undefined; readonly isDryRun: boolean },
): Promise<{ readonly storage: string; readonly files: number } | undefined> {
  const { runs, auth, isDryRun } = options;
  const [run] = runs;
  if (run === undefined) return undefined;
  const places = recordedPlaces(run.settings);
  refuseOtherPlace(id, { place: places.of(id), auth });
  const storage = await openPlaceOf(id, { places, auth, runId: run.runId });
  try {
    const place = storage.place('');
    if (place.kind === 'local' && !existsSync(place.path)) return undefined;
    await storage.beginRun({ runId: randomUUID(), directory: '' });
    try {
      const runIds = new Set(runs.map((one) => one.runId));
      return { storage: storage.display(''), files: await storage.sweep({ runIds, isDryRun }) };
    } finally {
      await storage.endRun();
    }
  } finally {
    await storage.close();
  }
}

/** @throws LakeportError if the storage's entry leads elsewhere than when the run wrote there */
function refuseOtherPlace(
  id: string,
  { place, auth }: { readonly place: StoragePlace | undefined; readonly auth: AuthFile | undefined },
): void {
  if (place === undefined || place.isLocal || auth === undefined) return;
  const entry = auth.storage(id);
  const now = entryAddress(entry);
  if (now === place.address && endpointOf(entry) === place.server) return;
  throw new LakeportError({
    code: 'RUN_ELSEWHERE',
    message: `The storage ${id} leads to ${now}, and the run wrote to ${place.address}`,
    hint: 'Give the auth file that the run was given, with -a.',
    context: { entry: id },
  });
}
