import type { StorageEntry } from '../auth/entries.js';
import type { Storage } from './storage.js';

/** Where to write, as plain data: each worker opens its own `Storage` from it. Holds secrets. */
export type StorageTarget =
  { readonly kind: 'directory'; readonly directory: string } | { readonly kind: 'entry'; readonly entry: StorageEntry };

/** Id of the storage that `--output-dir` stands for; entries have their own. With its dashes, no entry is called so. */
export const OUTPUT_DIRECTORY_ID = '--output_dir';

/** The id by which staged parts and plans name the storage. */
export function storageIdOf(target: StorageTarget): string {
  return target.kind === 'directory' ? OUTPUT_DIRECTORY_ID : target.entry.id;
}

/** Opens a store without writing to it. Its driver is loaded only now. */
export async function openStorage(target: StorageTarget): Promise<Storage> {
  if (target.kind === 'directory') {
    const { openLocalStorage } = await import('./local/index.js');
    return openLocalStorage({ id: OUTPUT_DIRECTORY_ID, directory: target.directory });
  }
  return openEntry(target.entry);
}

/** A store is a folder and a case here. */
async function openEntry(entry: StorageEntry): Promise<Storage> {
  switch (entry.storageType) {
    case 'local':
      return (await import('./local/index.js')).openLocalStorage({ id: entry.id, directory: entry.info.directory });
    case 's3':
      return (await import('./s3/index.js')).openS3Storage(entry);
    case 'gcs':
      return (await import('./gcs/index.js')).openGcsStorage(entry);
    case 'azure':
      return (await import('./azure/index.js')).openAzureStorage(entry);
  }
}
