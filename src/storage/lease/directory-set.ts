/** Directories, relative to one base; each stands for all that is below it. */
export class DirectorySet {
  readonly #normal: (directory: string) => string;
  /** Those of the set; then also all that they lie in. */
  readonly #own = new Set<string>();
  readonly #above = new Set<string>();

  /** @param options.ignoresCase whether `Orders` and `orders` are one directory */
  constructor(directories: readonly string[], options: { readonly ignoresCase?: boolean | undefined } = {}) {
    const foldsCase = options.ignoresCase === true;
    this.#normal = foldsCase ? (directory) => directory.normalize('NFC').toLowerCase() : (directory) => directory;
    for (const directory of directories) {
      const normal = this.#normal(directory);
      this.#own.add(normal);
      for (const above of selfAndAbove(normal)) this.#above.add(above);
    }
  }

  /** The first of the directories that is one of the set, or lies in one, or has one in it. */
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
