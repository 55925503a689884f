import type { StorageEntry } from '../auth/entries.js';
import type { EntryKind } from '../auth/entry-kind.js';
import type { Storage } from './storage.js';

/**
 * All that the program knows of one store; its folder's `entry.ts`. What needs an SDK is loaded when it is asked for.
 *
 * A store works with its own settings. In the list of stores they are `unknown`: methods let one stand for the other,
 * and hold because an entry that names a store was read by that store's fields.
 */
export interface Store<Info = unknown> extends EntryKind<Info> {
  /** Schemes of URLs that lead to it. */
  readonly schemes: readonly string[];
  /** Its hosts, where a URL says https. */
  readonly host?: RegExp;
  /** The `directory` of its entries may be a https URL. */
  readonly takesHttps?: boolean;
  /** The directory of this machine that the entry names; absent where it names none. */
  directory?(info: Info): string;
  /** The server, where it is not the store's own: what is shown of a bucket does not tell it. */
  endpoint?(info: Info): string | undefined;
  /** Opens a store without writing to it. @throws LakeportError of class `usage` where the entry can't work */
  open(entry: StorageEntry<Info>): Promise<Storage>;
}
