import type { Flag } from './flag.js';

/** The flags given on the command line. */
export class ParsedFlags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** @param values as typed, by the flags' own names; empty for switches */
  constructor(values: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.#values = values;
  }

  has(flag: Pick<Flag, 'name'>): boolean {
    return this.#values.has(flag.name);
  }

  /**
   * The value of a flag; the default if it was not given.
   * @throws LakeportError of class `usage` for an invalid value
   */
  get<T>(flag: Flag<T>): T {
    return flag.read(this.#values.get(flag.name));
  }

  /** The same, but undefined if it was not given. */
  given<T>(flag: Flag<T>): T | undefined {
    return this.has(flag) ? this.get(flag) : undefined;
  }

  /** The typed values, by the flags' own names. */
  get typed(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(this.#values);
  }
}
