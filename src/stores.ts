import type { StorageEntry } from './auth/entries.js';
import { azure } from './storage/azure/entry.js';
import { gcs } from './storage/gcs/entry.js';
import { local, openDirectory } from './storage/local/entry.js';
import { s3 } from './storage/s3/entry.js';
import { schemeOf } from './runtime/local-path.js';
import type { Storage } from './storage/storage.js';
import type { Store } from './storage/store.js';
import { OUTPUT_DIRECTORY_ID, type StorageTarget } from './storage/target.js';

/** The stores, one line each. */
export const STORES: readonly Store[] = [s3, gcs, azure, local];

/** @throws TypeError for a name that no entry has */
export function storeOf({ storageType }: Pick<StorageEntry, 'storageType'>): Store {
  const found = STORES.find(({ name }) => name === storageType);
  if (found === undefined) throw new TypeError(`there is no store ${storageType}`);
  return found;
}

/** The store that a URL leads to, by its scheme, or by its host where it says https. */
export function storeOfUrl(url: string): Store | undefined {
  const scheme = schemeOf(url);
  if (scheme === undefined) return undefined;
  const found = STORES.find(({ schemes }) => schemes.includes(scheme));
  if (found !== undefined || !/^https?$/.test(scheme) || !URL.canParse(url)) return found;
  const { hostname } = new URL(url);
  // The first store's hosts have the loosest names: its API is spoken by many.
  return STORES.findLast(({ host }) => host?.test(hostname));
}

/** Opens a store without writing to it. Its driver is loaded only now. */
export async function openStorage(target: StorageTarget): Promise<Storage> {
  if (target.kind === 'directory') return openDirectory({ id: OUTPUT_DIRECTORY_ID, directory: target.directory });
  return storeOf(target.entry).open(target.entry);
}

/** The directory of this machine that is written to; undefined for other places. */
export function localDirectory(target: StorageTarget): string | undefined {
  return target.kind === 'directory' ? target.directory : storeOf(target.entry).directory?.(target.entry.info);
}

/** The server of a storage, where it is not the store's own; empty otherwise. */
export function endpointOf(entry: StorageEntry): string {
  return storeOf(entry).endpoint?.(entry.info) ?? '';
}
