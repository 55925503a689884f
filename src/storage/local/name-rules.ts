import { randomBytes } from 'node:crypto';
import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { temporaryName } from './temporary-file.js';

/** The operations that names are found out by; tests put a file system in their place that the machine has not. */
export interface NameProbe {
  readonly create: (file: string) => Promise<void>;
  readonly remove: (file: string) => Promise<void>;
  /** Names in a directory; undefined where there is none. */
  readonly names: (directory: string) => Promise<readonly string[] | undefined>;
  /** What tells files apart; undefined where there is none. */
  readonly identity: (file: string) => Promise<string | undefined>;
}

const FILE_SYSTEM: NameProbe = {
  create: (file) => writeFile(file, '', { flag: 'wx' }),
  remove: unlink,
  names: (directory) => readdir(directory).catch(() => undefined),
  identity: async (file) => {
    const found = await stat(file).catch(() => undefined);
    return found === undefined ? undefined : `${found.dev} ${found.ino}`;
  },
};

/**
 * Whether a directory takes `Orders` and `orders`, or two forms of the same Unicode text, for one name. It is a property
 * of the file system, sometimes of the single directory, and not of the platform: Linux mounts such file systems too.
 * Asked by a file that is made there and removed at once. Undefined where it can't be made.
 */
export async function foldsNames(directory: string, probe: NameProbe = FILE_SYSTEM): Promise<boolean | undefined> {
  const name = temporaryName('none', `prob\u00e9-${randomBytes(4).toString('hex')}`);
  const file = path.join(directory, name);
  try {
    await probe.create(file);
  } catch {
    return undefined;
  }
  try {
    const others = [name.toUpperCase(), name.normalize('NFD')];
    const found = await Promise.all(others.map((other) => probe.identity(path.join(directory, other))));
    return found.some((identity) => identity !== undefined);
  } finally {
    await probe.remove(file).catch(() => undefined);
  }
}

/**
 * The same as far as it can be told without writing to a place that is not there yet: by the names in the base, or in the
 * nearest directory above it that there is. Only an empty base is asked by a file.
 */
export async function seemsToFoldNames(base: string, probe: NameProbe = FILE_SYSTEM): Promise<boolean> {
  for (let directory = base; ; directory = path.dirname(directory)) {
    const names = await probe.names(directory);
    if (names !== undefined) {
      const told = await toldByNames(directory, names, probe);
      if (told !== undefined) return told;
      const asked = directory === base ? await foldsNames(base, probe) : undefined;
      if (asked !== undefined) return asked;
    }
    if (directory === path.dirname(directory)) return false;
  }
}

/** By any name that has another case; one that exists in both as two files tells as well. */
async function toldByNames(
  directory: string,
  names: readonly string[],
  probe: NameProbe,
): Promise<boolean | undefined> {
  const name = names.find((one) => otherCase(one) !== one);
  if (name === undefined) return undefined;
  const [own, other] = await Promise.all([
    probe.identity(path.join(directory, name)),
    probe.identity(path.join(directory, otherCase(name))),
  ]);
  return own === undefined ? undefined : own === other;
}

function otherCase(name: string): string {
  return name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
}
