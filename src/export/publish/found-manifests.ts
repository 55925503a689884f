import { type Manifest, readManifest } from './manifest.js';
import type { Storage } from '../../storage/storage.js';
import { MANIFEST_PLACES, manifestPath } from '../model/manifest-place.js';

/** Directories checked concurrently. */
const CONCURRENCY = 16;
/** Maximum number of directories to check: each costs requests. */
const MAX_DIRECTORIES = 320;

/** The manifests of a table's directory, in any of the possible places. */
export async function manifestsOf(storage: Storage, directory: string): Promise<Manifest[]> {
  const paths = MANIFEST_PLACES.flatMap((place) => manifestPath(directory, place) ?? []);
  const found = await Promise.all(paths.map((path) => storage.get(path)));
  return found.flatMap((bytes) => (bytes === undefined ? [] : (readManifest(bytes) ?? [])));
}

/** Whether another run started to export the table after that time. */
export function isNewer({ run_id: other, started_at: began }: Manifest, runId: string, since: Date): boolean {
  return other !== runId && Date.parse(began) > since.getTime();
}

/** Finds another run that has published to one of the directories since then. */
export async function newerPublisher(
  storage: Storage,
  directories: readonly string[],
  { runId, since }: { readonly runId: string; readonly since: Date },
): Promise<{ readonly runId: string; readonly directory: string } | undefined> {
  for (let start = 0; start < Math.min(directories.length, MAX_DIRECTORIES); start += CONCURRENCY) {
    const some = directories.slice(start, start + CONCURRENCY);
    const manifests = await Promise.all(some.map((directory) => manifestsOf(storage, directory)));
    for (const [index, directory] of some.entries()) {
      const newer = manifests[index]?.find((manifest) => isNewer(manifest, runId, since));
      if (newer !== undefined) return { runId: newer.run_id, directory };
    }
  }
  return undefined;
}
