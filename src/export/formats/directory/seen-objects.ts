import type { Replaced, Storage, StoredObject } from '../../../storage/storage.js';

/** The table's objects when publishing started, as preconditions for the writes. */
export class SeenObjects {
  /** By path. */
  readonly versions: ReadonlyMap<string, string>;
  readonly #paths: ReadonlySet<string>;
  readonly #isConditional: boolean;

  constructor(storage: Storage, objects: readonly StoredObject[]) {
    this.#isConditional = storage.capabilities.conditionalWrites === true;
    this.#paths = new Set(objects.map(({ path }) => path));
    this.versions = new Map(
      objects.flatMap(({ path, version }) => (version === undefined ? [] : [[path, version] as const])),
    );
  }

  /** What a write to the path may replace; undefined if it may replace anything. */
  at(path: string): Replaced | undefined {
    const version = this.versions.get(path);
    // The store reported no version for the object.
    if (version === undefined && this.#paths.has(path)) return undefined;
    return this.#isConditional ? { version } : undefined;
  }

  get isEmpty(): boolean {
    return this.#paths.size === 0;
  }

  /** The same for a path whose object was just removed. */
  get afterRemoval(): Replaced | undefined {
    return this.#isConditional ? { version: undefined } : undefined;
  }
}
