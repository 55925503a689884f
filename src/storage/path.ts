import { createHash } from 'node:crypto';

import { LakeportError } from '../errors.js';
import type { TableId } from '../model/table.js';

/**
 * Paths below a storage's base: `/` between segments, never absolute, never outside of the base. Database names become
 * segments by percent-encoding, so that no two names share one and no name has a special meaning.
 */

/** Maximum bytes of a segment made from a name. File systems allow 255; the hidden names of staged parts need the rest. */
const MAX_SEGMENT_BYTES = 200;
const HASH_DIGITS = 32;

/**
 * Unsafe anywhere in a segment: `%` itself, so that an encoded name never equals another name; and whatever readers
 * interpret: `=` as a Hive partition (DuckDB, Spark, Athena), `*?[]{}` as a pattern (anything with globs), `:` as a scheme
 * (Hadoop), `#` as the end of a URL's path.
 */
const UNSAFE = /[%/\\=*?[\]{}:#\p{Cc}\p{Surrogate}]/u;
/** Hides a name at its start; at its end it is dropped by Windows and Azure. */
const UNSAFE_FIRST = /[._]/;
const UNSAFE_LAST = /[. ]/;

/** Names of files that the program writes next to tables' directories. */
const OWN_FILE = /^manifest\.json$|\.cdm\.json$/i;

/**
 * A schema or table name as one path segment. Safe names are unchanged. The encoding is injective, and its escapes are
 * always in upper case, so that names never differ by the case of an escape only.
 * A name that would take more than 200 bytes is truncated and ends in `%~` and a hash of the whole name.
 */
export function encodeSegment(name: string): string {
  if (name === '') return '%';
  const characters = Array.from(name);
  const encoded = characters.map((character, index) => {
    const isUnsafe =
      UNSAFE.test(character) ||
      (index === 0 && UNSAFE_FIRST.test(character)) ||
      (index === characters.length - 1 && UNSAFE_LAST.test(character));
    return isUnsafe ? encodeCharacter(character) : character;
  });
  if (OWN_FILE.test(name)) encoded[encoded.lastIndexOf('.')] = '%2E';
  const segment = encoded.join('');
  return Buffer.byteLength(segment) <= MAX_SEGMENT_BYTES ? segment : shorten(encoded, name);
}

function encodeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  // An unpaired surrogate, which SQL Server allows in names, has no UTF-8 form.
  if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16).toUpperCase()}`;
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** No other encoding contains `%~`. */
function shorten(encoded: readonly string[], name: string): string {
  const hash = createHash('sha256').update(name, 'utf16le').digest('hex').slice(0, HASH_DIGITS);
  const ending = `%~${hash}`;
  let start = '';
  let bytes = ending.length;
  for (const piece of encoded) {
    bytes += Buffer.byteLength(piece);
    if (bytes > MAX_SEGMENT_BYTES) break;
    start += piece;
  }
  return start + ending;
}

/** Joins validated paths; empty ones are omitted. */
export function joinPath(...paths: readonly string[]): string {
  return paths.filter((path) => path !== '').join('/');
}

/** Directory of a table, relative to the storage's base. */
export function tableDirectory(subPath: string, { schema, name }: TableId): string {
  return joinPath(subPath, encodeSegment(schema), encodeSegment(name));
}

/** Directory of a dataset by its name: a query has no schema, so its directory is next to those of the schemas. */
export function datasetDirectory(subPath: string, id: TableId): string {
  return id.schema === '' ? joinPath(subPath, encodeSegment(id.name)) : tableDirectory(subPath, id);
}

/** Everything before the last `/`; empty at the top. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Everything after the last `/`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * Rejects a `--sub-path` that is absolute, leads upwards or has segments that a store cannot represent.
 * @param flag that it was given with
 * @throws LakeportError of class `usage`
 */
export function checkSubPath(subPath: string, flag = '--sub-path'): void {
  if (subPath === '') return;
  const problem = pathProblem(subPath);
  if (problem === undefined) return;
  throw new LakeportError({
    code: 'BAD_SUB_PATH',
    message: `The path ${JSON.stringify(subPath)} of ${flag} ${problem}`,
    hint: 'Give directories below the destination, such as daily/{date}.',
    context: { detail: flag },
  });
}

/** Whether a relative path stays below the base; the empty path is the base itself. */
export function isSafePath(path: string): boolean {
  return path === '' || pathProblem(path) === undefined;
}

/** A store's last line of defence: a path that passes stays below the base. */
export function assertSafePath(path: string): void {
  const problem = path === '' ? undefined : pathProblem(path);
  if (problem === undefined) return;
  throw new LakeportError({
    code: 'UNSAFE_PATH',
    message: `The path ${JSON.stringify(path)} ${problem}`,
  });
}

function pathProblem(path: string): string | undefined {
  if (/^[/\\]/.test(path)) return 'is absolute';
  if (path.includes('\\')) return 'contains a backslash; directories are separated by /';
  if (/\p{Cc}/u.test(path)) return 'contains a control character';
  for (const segment of path.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment === '..') return 'leads upwards with ..';
    if (segment === '.') return 'contains the segment .';
  }
  return undefined;
}
