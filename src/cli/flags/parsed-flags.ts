/** The flags that were given, by their own names. */
export class ParsedFlags {
  readonly #values: ReadonlyMap<string, readonly string[] | true>;

  constructor(values: ReadonlyMap<string, readonly string[] | true>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value; of several the last. */
  value(name: string): string | undefined {
    return this.values(name).at(-1);
  }

  /** Every value, in the order given. */
  values(name: string): readonly string[] {
    const values = this.#values.get(name);
    return values === undefined || values === true ? [] : values;
  }
}
