import { statSync } from 'node:fs';
import path from 'node:path';
import { type ErrorCode, LakeportError } from '../../errors.js';
import type { OpenOptions } from '../source.js';
import type { SqliteInfo } from './info.js';

/** Structured-cloneable, so that it can be sent to workers. */
export interface SqliteSettings {
  readonly entryId: string;
  readonly file: string;
  /** Longest wait for other processes' locks. */
  readonly timeoutMs: number;
  /** For columns with the mask `hash`. */
  readonly maskSalt?: string | undefined;
}

const LOCK_TIMEOUT_MS = 30_000;

/** @throws LakeportError for anything but a file that can be opened */
export function sqliteSettings({ filepath }: SqliteInfo, options: OpenOptions): SqliteSettings {
  const { entryId, database, lockTimeoutMs, maskSalt } = options;
  const context = { entry: entryId, detail: filepath };
  const problem = (message: string, hint: string, code: ErrorCode = 'SOURCE_FILE_NOT_FOUND') =>
    new LakeportError({ code, message, hint, context });
  if (filepath.trim() === '' || /^:memory:$|[?&]mode=memory/i.test(filepath.trim()))
    throw problem('A database in memory has nothing to export', 'Name a file in "filepath" of the entry');
  if (database !== undefined) {
    throw new LakeportError({
      code: 'SOURCE_DATABASE_UNKNOWN',
      message: `The file ${filepath} has one database, and it is not called ${database}`,
      hint: 'Remove --source-db-name',
      context,
    });
  }
  const file = path.resolve(filepath);
  let stats;
  try {
    stats = statSync(file, { throwIfNoEntry: false });
  } catch {
    throw problem(
      `The file ${file} is not accessible`,
      'Grant this user access to its directory',
      'SOURCE_FILE_UNREADABLE',
    );
  }
  if (stats === undefined) throw problem(`The file ${file} does not exist`, 'Correct "filepath" of the entry');
  if (stats.isDirectory())
    throw problem(`${file} is a directory`, 'Name a file in "filepath" of the entry', 'SOURCE_NOT_SQLITE');
  if (stats.size === 0)
    throw problem(`The file ${file} is empty`, 'Correct "filepath" of the entry', 'SOURCE_NOT_SQLITE');
  return { entryId, file, timeoutMs: lockTimeoutMs ?? LOCK_TIMEOUT_MS, maskSalt };
}
