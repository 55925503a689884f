import type { StorageEntry } from '../auth/entries.js';

/** Where to write, as plain data: each worker opens its own `Storage` from it. Holds secrets. */
export type StorageTarget =
  { readonly kind: 'directory'; readonly directory: string } | { readonly kind: 'entry'; readonly entry: StorageEntry };

/** Id of the storage that `--output-dir` stands for; entries have their own. With its dashes, no entry is called so. */
export const OUTPUT_DIRECTORY_ID = '--output_dir';

/** The id by which staged parts and plans name the storage. */
export function storageIdOf(target: StorageTarget): string {
  return target.kind === 'directory' ? OUTPUT_DIRECTORY_ID : target.entry.id;
}
