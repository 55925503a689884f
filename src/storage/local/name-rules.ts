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
  readonly exists: (file: string) => Promise<boolean>;
}

const FILE_SYSTEM: NameProbe = {
  create: (file) => writeFile(file, '', { flag: 'wx' }),
  remove: unlink,
  names: (directory) => readdir(directory).catch(() => undefined),
  exists: (file) =>
    stat(file).then(
      () => true,
      () => false,
    ),
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
    const found = await Promise.all(others.map((other) => probe.exists(path.join(directory, other))));
    return found.includes(true);
  } finally {
    await probe.remove(file).catch(() => undefined);
  }
}

/**
 * The same as far as it can be told without writing to a place that is not there yet: by the names in the base, or in the
 * nearest directory above it that there is. Only the base and an empty directory are asked by a file: what is above a mount
 * that is empty has other rules.
 */
export async function seemsToFoldNames(base: string, probe: NameProbe = FILE_SYSTEM): Promise<boolean> {
  for (let directory = base; ; directory = path.dirname(directory)) {
    const names = await probe.names(directory);
    if (names !== undefined) {
      const told = await toldByNames(directory, names, probe);
      if (told !== undefined) return told;
      const asked = directory === base || names.length === 0 ? await foldsNames(directory, probe) : undefined;
      if (asked !== undefined) return asked;
    }
    if (directory === path.dirname(directory)) return false;
  }
}

/**
 * By a name that there is in one case only. Inode numbers are no help: file systems in user space give a file another one
 * for each name that it is asked for by.
 */
async function toldByNames(
  directory: string,
  names: readonly string[],
  probe: NameProbe,
): Promise<boolean | undefined> {
  for (const name of names) {
    const other = otherCase(name);
    if (other === name) continue;
    if (names.includes(other)) return false;
    const [own, found] = await Promise.all([name, other].map((one) => probe.exists(path.join(directory, one))));
    // It may have gone meanwhile.
    if (own === true) return found;
  }
  return undefined;
}

/** ASCII letters alone: what else is one name in two cases differs from system to system. */
function otherCase(name: string): string {
  const upper = name.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  return upper === name ? name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : upper;
}
