import type { StorageEntry } from '../auth/entries.js';
import type { EntryKind } from '../auth/entry-kind.js';
import type { Storage } from './storage.js';

/**
 * Everything the program knows about one store, from its folder's `entry.ts`. SDKs are loaded on first use.
 *
 * A store works with its own settings. In the list of stores these are `unknown`: method bivariance makes that assignable,
 * and it is safe because an entry that names a store was read by that store's fields.
 */
export interface Store<Info = unknown> extends EntryKind<Info> {
  /** URL schemes of the store. */
  readonly schemes: readonly string[];
  /** Host names of the store in https URLs. */
  readonly host?: RegExp;
  /** The `directory` of its entries may be a https URL. */
  readonly takesHttps?: boolean;
  /** The directory of this machine that the entry names; absent where it names none. */
  directory?(info: Info): string;
  /** The server, if it is not the store's own: a bucket's display form does not contain it. */
  endpoint?(info: Info): string | undefined;
  /** Opens a store without writing to it. @throws LakeportError of class `usage` if the entry cannot work */
  open(entry: StorageEntry<Info>): Promise<Storage>;
}
