import pLimit from 'p-limit';

import { joinPath } from '../../../storage/path.js';
import type { StagedPart, Storage } from '../../../storage/storage.js';
import { isTargetChanged } from '../../../storage/target-changed.js';
import { SeenObjects } from './seen-objects.js';

/** Files of one table published concurrently. */
const CONCURRENCY = 8;

/** The parts of a table, with the storage and directory that they are published in. */
export interface PublishedParts {
  readonly storage: Storage;
  /** The table's directory, relative to the storage's base. */
  readonly directory: string;
  readonly parts: readonly { readonly staged: StagedPart }[];
}

/** Removes each published file from `pending`. Stops at the first failure. */
export async function publishParts(
  table: PublishedParts,
  {
    names,
    pending,
    seen,
  }: { readonly names: readonly string[]; readonly pending: Set<StagedPart>; readonly seen: SeenObjects },
): Promise<void> {
  const limit = pLimit(CONCURRENCY);
  let stopped = false;
  const publishing = table.parts.map(({ staged }, index) =>
    limit(async () => {
      if (stopped || !pending.has(staged)) return;
      try {
        const path = joinPath(table.directory, names[index] ?? '');
        await table.storage.publish(staged, path, { replaces: seen.at(path), isPersistedLater: true });
        pending.delete(staged);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }),
  );
  const results = await Promise.allSettled(publishing);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** While the lock is held, an unexpected manifest beside an empty directory is stale and may be replaced. */
export async function putManifest(
  storage: Storage,
  { path, content, seen }: { readonly path: string; readonly content: Uint8Array; readonly seen: SeenObjects },
): Promise<void> {
  try {
    await storage.put(path, content, { replaces: seen.at(path), isPersistedLater: true });
  } catch (error) {
    if (!isTargetChanged(error) || !seen.isEmpty) throw error;
    const there = await storage.find(path);
    await storage.put(path, content, {
      replaces: new SeenObjects(storage, there === undefined ? [] : [there]).at(path),
      isPersistedLater: true,
    });
  }
}
