/** Directories, relative to one base; each includes everything below it. */
export class DirectorySet {
  readonly #normal: (directory: string) => string;
  /** The directories themselves; the other set also has their ancestors. */
  readonly #own = new Set<string>();
  readonly #above = new Set<string>();

  /** @param options.ignoresCase whether `Orders` and `orders` are the same directory */
  constructor(directories: readonly string[], options: { readonly ignoresCase?: boolean | undefined } = {}) {
    const foldsCase = options.ignoresCase === true;
    this.#normal = foldsCase ? (directory) => directory.normalize('NFC').toLowerCase() : (directory) => directory;
    for (const directory of directories) {
      const normal = this.#normal(directory);
      this.#own.add(normal);
      for (const above of selfAndAbove(normal)) this.#above.add(above);
    }
  }

  /** The first of the directories that is in the set, or is below or above one in the set. */
  firstOverlap(directories: readonly string[]): string | undefined {
    return directories.find((directory) => {
      const normal = this.#normal(directory);
      return this.#above.has(normal) || selfAndAbove(normal).some((above) => this.#own.has(above));
    });
  }
}

/** `a/b/c`, `a/b`, `a` and the base. */
function selfAndAbove(directory: string): string[] {
  const all = [directory];
  for (let end = directory.lastIndexOf('/'); end !== -1; end = directory.lastIndexOf('/', end - 1)) {
    all.push(directory.slice(0, end));
  }
  return directory === '' ? all : [...all, ''];
}
