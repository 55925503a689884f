import type { ByteRange, Replaced, StoredObject } from './storage.js';

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
 * What every object store can do, by paths relative to its base that are safe already. Failures are explained, and sent
 * again where they may pass.
 */
export interface ObjectClient {
  /** Markers of runs may be there that version 0.1 has left at other paths. */
  readonly hasEarlierLayout?: boolean;
  /** The entry's credentials may do without the right to delete, as far as a first export goes. */
  readonly mayLackDeletion?: boolean;
  /** For people. */
  display(path: string): string;
  /** Finds out, before anything is written, what writing would not tell. */
  prepare?(): Promise<void>;
  /**
   * Writes a whole object.
   * @param replaces what may be there; undefined for anything
   * @throws LakeportError `TARGET_CHANGED`
   */
  put(path: string, content: Uint8Array, replaces?: Replaced): Promise<void>;
  /** Writes an object that must not be there yet; false where it is. */
  create(path: string, content: Uint8Array): Promise<boolean>;
  /**
   * Adds to an object of the program's own, which a listing shows all the while; absent where only `put` can do that.
   */
  append?(path: string, addition: string): Promise<void>;
  get(path: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  head(path: string): Promise<StoredObject | undefined>;
  /**
   * All that is below a directory. In the program's own also what is staged and not an object yet, and what version 0.1
   * has left elsewhere.
   */
  list(directory: string): Promise<Listing>;
  /**
   * Objects that are gone already are no error.
   * @param versions by path; an object without one is removed whatever it is
   * @throws LakeportError `TARGET_CHANGED`
   */
  remove(paths: readonly string[], versions?: ReadonlyMap<string, string>): Promise<void>;
  close(): void;
}

/** What a run's lease needs of a store. */
export type LeaseClient = Omit<ObjectClient, 'head' | 'close'>;
