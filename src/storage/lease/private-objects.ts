/** An object in the hidden directory of a base. */
export interface PrivateObject {
  /** Within the directory. */
  readonly name: string;
  /** By the store's clock, in milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** The hidden directory, as far as a run needs it. */
export interface PrivateObjects {
  /** @returns `now` is the store's clock */
  list(): Promise<{ readonly objects: readonly PrivateObject[]; readonly now: number }>;
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, content: Uint8Array): Promise<void>;
  /** Writes an object that must not be there yet; false where it is. */
  create(name: string, content: Uint8Array): Promise<boolean>;
  /** Those that are gone already are no error. */
  remove(names: readonly string[]): Promise<void>;
}
