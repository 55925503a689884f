/**
 * The auth file's entries as the rest of the program sees them: validated, defaults filled in, synonyms and `directory`
 * URLs resolved, references to variables and files replaced. Plain data, so an entry can be sent to a worker. Secrets
 * are in plain text: an entry never goes into a log, a result or an error.
 */

export type AuthEntry = DatabaseEntry | StorageEntry;

/** `info` is built from the engine's own fields; only the engine can read it. */
export interface DatabaseEntry<Info = unknown> {
  readonly kind: 'database';
  readonly id: string;
  /** Name of the engine, as in `ds_type`. */
  readonly engine: string;
  readonly info: Info;
}

/** `info` is built from the store's own fields; only the store can read it. */
export interface StorageEntry<Info = unknown> {
  readonly kind: 'storage';
  readonly id: string;
  /** Name of the store, as in `storage_type`. */
  readonly storageType: string;
  readonly info: Info;
}
