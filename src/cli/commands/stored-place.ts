import { statSync } from 'node:fs';
import path from 'node:path';

import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import { schemeOf } from '../../runtime/local-path.js';
import { isSafePath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { StorageTarget } from '../../storage/target.js';
import { StoredFile } from '../../storage/stored-file.js';
import { openStorage } from '../../stores.js';
import { localPath } from '../flags/path-flags.js';
import { usageError } from '../flags/usage-error.js';

/** A file or directory that a command was given, in an open store. */
export interface StoredPlace {
  readonly storage: Storage;
  /** What it is opened by. */
  readonly target: StorageTarget;
  /** Relative to the storage's base. */
  readonly path: string;
  /** As typed. */
  readonly typed: string;
}

/** An operand `PATH|ID/PATH` as users write it. */
const OPERAND = 'PATH';

/**
 * Opens the store of a path: of `ID/PATH` where the auth file has an entry of that id, else the local directory.
 * The caller closes it.
 * @param auth the auth file, if one was given
 * @throws LakeportError of class `usage` for a URL, or a path that leads out of the storage
 */
export async function openPlace(typed: string, auth: AuthFile | undefined): Promise<StoredPlace> {
  const [id = '', ...rest] = typed.split('/');
  if (auth?.ids().includes(id) === true) {
    const entry = auth.storage(id);
    const below = rest.join('/').replace(/\/+$/, '');
    if (!isSafePath(below)) throw unsafe(typed);
    return opened({ kind: 'entry', entry }, { path: below, typed });
  }
  const local = localOperand(typed);
  const whole = /^\.{1,2}$/.test(path.basename(local)) ? path.resolve(local) : local;
  const name = path.basename(whole);
  if (!isSafePath(name)) throw unsafe(typed);
  return opened({ kind: 'directory', directory: path.dirname(whole) }, { path: name, typed });
}

async function opened(target: StorageTarget, place: Pick<StoredPlace, 'path' | 'typed'>): Promise<StoredPlace> {
  return { storage: await openStorage(target), target, ...place };
}

/**
 * Finds a file.
 * @throws LakeportError of class `usage` if it does not exist, or is a directory
 */
export async function findFile(place: StoredPlace, auth: AuthFile | undefined): Promise<StoredFile> {
  const { storage, path: relative } = place;
  const file = relative === '' ? undefined : await StoredFile.find(storage, relative);
  if (file !== undefined) return file;
  const shown = storage.display(relative);
  const inside = await storage.list(relative);
  if (inside.length === 0 && !isLocalDirectory(place)) throw notFound(place, auth);
  const example = inside.find((object) => object.path.endsWith('.parquet'));
  throw new LakeportError({
    code: 'IS_A_DIRECTORY',
    message: `${shown} is a directory`,
    hint: example === undefined ? 'Name a file.' : `Name one of its files, such as ${storage.display(example.path)}.`,
    context: { path: shown },
  });
}

function notFound({ storage, path: relative, typed }: StoredPlace, auth: AuthFile | undefined): LakeportError {
  const shown = storage.display(relative);
  const hints = ['Check the spelling.'];
  if (storage.kind === 'local' && auth === undefined) hints.push('For ID/PATH, add the auth file: -a auth.json.');
  if (storage.kind === 'local' && auth !== undefined) hints.push(`Entries of ${auth.path}: ${auth.ids().join(', ')}.`);
  return new LakeportError({
    code: 'FILE_NOT_FOUND',
    message: `${shown} does not exist`,
    hint: hints.join(' '),
    context: { path: shown, ...(shown === typed ? {} : { detail: typed }) },
  });
}

function localOperand(typed: string): string {
  const scheme = schemeOf(typed);
  if (scheme === undefined || scheme === 'file') return localPath({ flag: OPERAND, value: typed });
  throw usageError({
    code: 'NOT_A_LOCAL_PATH',
    message: `${typed.replace(/[?#].*$/s, '')} is a URL, where a local path or ID/PATH is needed`,
    hint: 'Give ID/PATH, where ID is a storage entry of the auth file (-a), and PATH is below its base.',
  });
}

function unsafe(typed: string): LakeportError {
  return usageError({
    code: 'BAD_VALUE',
    message: `The path ${JSON.stringify(typed)} leads out of the storage, or cannot be a path`,
    hint: 'Give a path below the base of the storage, with / between directories.',
  });
}

function isLocalDirectory({ storage, path: relative }: StoredPlace): boolean {
  if (storage.kind !== 'local') return false;
  return statSync(storage.display(relative), { throwIfNoEntry: false })?.isDirectory() === true;
}
