import { type AuthFile, type LoadAuthFileOptions, loadAuthFile } from './auth/auth-file.js';
import type { AuthEntry } from './auth/entries.js';
import type { EntryKinds } from './auth/entry-kind.js';
import { engineOf, ENGINES, LATER_ENGINES } from './engines.js';
import { storeOf, STORES } from './stores.js';

export type ReadAuthFileOptions = Omit<LoadAuthFileOptions, 'kinds'>;

const KINDS: EntryKinds = { databases: ENGINES, storages: STORES, laterDatabases: LATER_ENGINES };

/**
 * Reads and validates a whole auth file, with entries of all engines and stores.
 * @throws LakeportError of class `usage` that lists every problem with its entry, field and line
 */
export function readAuthFile(path: string, options: ReadAuthFileOptions = {}): Promise<AuthFile> {
  return loadAuthFile(path, { ...options, kinds: KINDS });
}

/** Where the entry leads to, from its own fields; for people, without secrets. */
export function entryAddress(entry: AuthEntry): string {
  return entry.kind === 'database' ? engineOf(entry).address(entry.info) : storeOf(entry).address(entry.info);
}
