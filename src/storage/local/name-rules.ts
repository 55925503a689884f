import { randomBytes } from 'node:crypto';
import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { temporaryName } from './temporary-file.js';

/** The file operations used for the checks; tests substitute a file system that the machine lacks. */
export interface NameProbe {
  readonly create: (file: string) => Promise<void>;
  readonly remove: (file: string) => Promise<void>;
  /** Names in a directory; undefined if it does not exist. */
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
 * Whether a directory treats `Orders` and `orders`, or two Unicode forms of the same text, as one name. That is a property
 * of the file system, sometimes of the directory, and not of the platform: Linux mounts such file systems too. Checked by
 * creating a file and removing it at once. Undefined if it cannot be created.
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
 * The same, as far as it can be determined without writing to a directory that does not exist yet: from names in the base,
 * or in its nearest existing ancestor. Only the base and an empty directory are checked with a file: above an empty mount
 * point other rules apply.
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
 * From a name that exists in one case only. Inode numbers do not help: file systems in user space may return another one
 * for each spelling of a name.
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
    // It may have been removed in the meantime.
    if (own === true) return found;
  }
  return undefined;
}

/** ASCII letters only: case folding beyond that differs between systems. */
function otherCase(name: string): string {
  const upper = name.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  return upper === name ? name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : upper;
}
