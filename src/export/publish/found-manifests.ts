import { type Manifest, readManifest } from './manifest.js';
import type { Storage } from '../../storage/storage.js';
import { MANIFEST_PLACES, manifestPath } from '../model/manifest-place.js';

/** Directories that are looked at at the same time. */
const CONCURRENCY = 16;
/** Of more directories than that, the rest is left alone: each of them costs requests. */
const MAX_DIRECTORIES = 320;

/** The manifests of a table's directory, wherever the runs that wrote them have put them. */
export async function manifestsOf(storage: Storage, directory: string): Promise<Manifest[]> {
  const paths = MANIFEST_PLACES.flatMap((place) => manifestPath(directory, place) ?? []);
  const found = await Promise.all(paths.map((path) => storage.get(path)));
  return found.flatMap((bytes) => (bytes === undefined ? [] : (readManifest(bytes) ?? [])));
}

/** True where another run has begun to export the table after that moment. */
export function isNewer({ run_id: other, started_at: began }: Manifest, runId: string, since: Date): boolean {
  return other !== runId && Date.parse(began) > since.getTime();
}

/** A run other than this one that has published to one of the directories since then; undefined where none is found. */
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
