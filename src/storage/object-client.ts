import type { ByteRange, Place, Replaced, StoredContent, StoredObject } from './storage.js';

export interface ListedObject extends StoredObject {
  /** By the store's clock, in milliseconds since 1970. */
  readonly modifiedAt: number;
}

export interface Listing {
  readonly objects: readonly ListedObject[];
  /** Now, by the store's clock. */
  readonly now: number;
}

/**
 * What every object store can do, with validated paths relative to its base. Errors are mapped, and transient failures
 * retried.
 */
export interface ObjectClient {
  /** There may be markers that version 0.1 has left at other paths. */
  readonly hasEarlierLayout?: boolean;
  /** The entry's credentials may lack the permission to delete, which a first export does not need. */
  readonly mayLackDeletion?: boolean;
  /** For messages. */
  display(path: string): string;
  place(path: string): Place;
  /** Checks, before anything is written, what a write would not reveal. */
  prepare?(): Promise<void>;
  /**
   * Writes a complete object.
   * @param replaces what may be there; undefined for anything
   * @throws LakeportError `TARGET_CHANGED`
   */
  put(path: string, content: Uint8Array, replaces?: Replaced): Promise<void>;
  /** Writes an object that must not exist yet; false if it does. */
  create(path: string, content: Uint8Array): Promise<boolean>;
  /**
   * Appends to one of the program's own objects, which never disappears from listings; absent if only `put` can do that.
   */
  append?(path: string, addition: string): Promise<void>;
  /** The content of an object, or of a range of it, and which version of the object that is. */
  read(path: string, range?: ByteRange): Promise<StoredContent | undefined>;
  head(path: string): Promise<StoredObject | undefined>;
  /**
   * Everything below a directory. In the program's own directory also staged parts that are not objects yet, and what
   * version 0.1 has left elsewhere.
   */
  list(directory: string): Promise<Listing>;
  /**
   * Missing objects are not an error.
   * @param versions by path; an object without one is removed unconditionally
   * @throws LakeportError `TARGET_CHANGED`
   */
  remove(paths: readonly string[], versions?: ReadonlyMap<string, string>): Promise<void>;
  close(): void;
}

/** What a run's lease needs from a store. */
export type LeaseClient = Omit<ObjectClient, 'head' | 'close' | 'place'>;
