import type { StorageEntry } from '../auth/entries.js';

/** Where to write, as plain data: each worker opens its own `Storage` from it. Contains secrets. */
export type StorageTarget =
  { readonly kind: 'directory'; readonly directory: string } | { readonly kind: 'entry'; readonly entry: StorageEntry };

/** Id of the storage for `--output-dir`; entries have their own ids. With its dashes, it cannot clash with an entry. */
export const OUTPUT_DIRECTORY_ID = '--output_dir';

/** The id of the storage in staged parts and plans. */
export function storageIdOf(target: StorageTarget): string {
  return target.kind === 'directory' ? OUTPUT_DIRECTORY_ID : target.entry.id;
}
