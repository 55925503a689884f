import type { Storage } from '../../storage/storage.js';
import type { PreviousExport, TableFormat } from '../formats/table-format.js';

/** Directories checked concurrently. */
const CONCURRENCY = 16;
/** Maximum number of directories to check: each costs requests. */
const MAX_DIRECTORIES = 320;

export interface NewerThan {
  readonly runId: string;
  readonly since: Date;
}

/** The export of another run that started to read the table after that time. */
export function newerExport(
  exports: readonly PreviousExport[],
  { runId, since }: NewerThan,
): PreviousExport | undefined {
  return exports.find((other) => other.runId !== runId && other.startedAt.getTime() > since.getTime());
}

/** Finds another run that has published to one of the directories since then. */
export async function newerPublisher(
  storage: Storage,
  directories: readonly string[],
  { format, ...own }: NewerThan & { readonly format: TableFormat },
): Promise<{ readonly runId: string; readonly directory: string } | undefined> {
  for (let start = 0; start < Math.min(directories.length, MAX_DIRECTORIES); start += CONCURRENCY) {
    const some = directories.slice(start, start + CONCURRENCY);
    const found = await Promise.all(some.map((directory) => format.previous(directory, storage)));
    for (const [index, directory] of some.entries()) {
      const newer = newerExport(found[index] ?? [], own);
      if (newer !== undefined) return { runId: newer.runId, directory };
    }
  }
  return undefined;
}
