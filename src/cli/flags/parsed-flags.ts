import type { Flag } from './flag.js';

/** The flags that were given. */
export class ParsedFlags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** @param values as they were typed, by the flags' own names; none of switches */
  constructor(values: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.#values = values;
  }

  has(flag: Pick<Flag, 'name'>): boolean {
    return this.#values.has(flag.name);
  }

  /**
   * Its value; the default where it was not given.
   * @throws LakeportError of class `usage` for a value that it does not take
   */
  get<T>(flag: Flag<T>): T {
    return flag.read(this.#values.get(flag.name));
  }

  /** The same, but undefined where it was not given. */
  given<T>(flag: Flag<T>): T | undefined {
    return this.has(flag) ? this.get(flag) : undefined;
  }

  /** What was typed, by the flags' own names. */
  get typed(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(this.#values);
  }
}
