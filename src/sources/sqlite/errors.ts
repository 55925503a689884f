import { LakeportError } from '../../errors.js';
import { type ErrorKind, errorContext, type ErrorPlace } from '../errors/error-kind.js';

/** By SQLite's primary result codes (https://sqlite.org/rescode.html). */
const RESULTS: Readonly<Record<number, ErrorKind>> = {
  1: {
    code: 'SOURCE_QUERY_FAILED',
    hint: 'Correct the view or virtual table named in the message, or leave it out with --exclude',
  },
  3: {
    code: 'SOURCE_ACCESS_DENIED',
    hint: 'Grant this user read access to the file and its directory',
  },
  5: {
    code: 'SOURCE_LOCKED',
    message: 'Another process holds a lock on the file',
    hint: 'End its transaction, or raise --lock-timeout',
    transient: true,
  },
  6: { code: 'SOURCE_LOCKED', transient: true },
  7: { code: 'SOURCE_OUT_OF_MEMORY', hint: 'Lower --n-jobs and --parallel' },
  8: {
    code: 'SOURCE_FILE_NEEDS_RECOVERY',
    message: 'The last writer of the file crashed, and the file is opened read-only',
    hint: 'Open it once for writing (sqlite3 FILE "PRAGMA user_version"), so that SQLite rolls back the incomplete transaction',
  },
  10: { code: 'SOURCE_FILE_UNREADABLE', hint: 'Check the disk' },
  11: {
    code: 'SOURCE_FILE_DAMAGED',
    message: 'The file is damaged',
    hint: 'sqlite3 FILE "PRAGMA integrity_check" gives details; sqlite3 FILE .recover saves what can be read',
  },
  14: {
    code: 'SOURCE_FILE_UNREADABLE',
    hint: 'Grant this user read access to the file. A file in WAL mode needs a writable directory for its -shm file: copy it elsewhere, or run PRAGMA journal_mode = DELETE',
  },
  18: {
    code: 'SOURCE_VALUE_ERROR',
    message: 'A value is longer than SQLite can return',
    hint: 'Leave the table out with --exclude',
  },
  26: {
    code: 'SOURCE_NOT_SQLITE',
    message: 'The file is not an SQLite database, or it is encrypted',
    hint: 'Correct "filepath" of the entry; an encrypted file must be decrypted first',
  },
};

/** Any error of the driver as a `LakeportError`, classified by SQLite's code; a LakeportError is kept. */
export function sqliteError(thrown: unknown, place: ErrorPlace = {}): LakeportError {
  const code = resultCode(thrown);
  const context = errorContext(place, code === undefined ? undefined : `SQLite ${code}`);
  if (thrown instanceof LakeportError) return thrown.within(context);
  const kind = code === undefined ? undefined : RESULTS[code & 0xff];
  if (kind === undefined) return LakeportError.from(thrown).within(context);
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  const { hint, transient } = kind;
  return new LakeportError({
    code: kind.code,
    message: kind.message ?? said,
    hint,
    transient,
    context,
    cause: thrown,
  });
}

/** SQLite's own texts (sqlite3_errstr), for errors that the driver reports without a result code. */
const TEXTS: readonly (readonly [RegExp, number])[] = [
  [/database is locked/, 5],
  [/out of memory/, 7],
  [/readonly database/, 8],
  [/disk I\/O error/, 10],
  [/disk image is malformed/, 11],
  [/unable to open database/, 14],
  [/string or blob too big/, 18],
  [/file is not a database/, 26],
];

/** SQLite's extended result code; undefined for errors that are not SQLite's. */
export function resultCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'ERR_SQLITE_ERROR') return undefined;
  if ('errcode' in thrown && typeof thrown.errcode === 'number' && thrown.errcode > 1) return thrown.errcode;
  return TEXTS.find(([text]) => text.test(thrown.message))?.[1] ?? 1;
}
