import { createHash } from 'node:crypto';

import { LakeportError } from '../errors.js';
import type { TableId } from '../model/table.js';

/**
 * Paths below a storage's base: `/` between segments, never absolute, never out of the base. Names of the database
 * become segments by percent-encoding, so that two names never share one and no name means more than itself.
 */

/** Most bytes of a segment made from a name. File systems take 255; the hidden names of staged parts need the rest. */
const MAX_SEGMENT_BYTES = 200;
const HASH_DIGITS = 32;

/**
 * What is not safe anywhere in a segment; `%` itself, so that an encoded name is never another name's plain form. Then
 * what readers take for more than a name: `=` for a Hive partition (DuckDB, Spark, Athena), `*?[]{}` for a pattern (all
 * that take globs), `:` for a scheme (Hadoop), `#` for the end of a URL's path.
 */
const UNSAFE = /[%/\\=*?[\]{}:#\p{Cc}\p{Surrogate}]/u;
/** What hides a name, at its start; what Windows and Azure leave out, at its end. */
const UNSAFE_FIRST = /[._]/;
const UNSAFE_LAST = /[. ]/;

/** Names of files that the program writes beside tables' directories. */
const OWN_FILE = /^manifest\.json$|\.cdm\.json$/i;

/**
 * A schema's or table's name as one path segment. Safe names stand as they are. The encoding is injective, and its own
 * letters are always upper case, so that it tells no names apart by case alone.
 * A name that would take more than 200 bytes is cut and ends in `%~` and a hash of the whole name.
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
  // Half of a surrogate pair, which SQL Server allows in names, has no UTF-8 form.
  if (code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16).toUpperCase()}`;
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** No other encoding has `%~` in it. */
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

/** Joins paths that are safe already; empty ones are left out. */
export function joinPath(...paths: readonly string[]): string {
  return paths.filter((path) => path !== '').join('/');
}

/** Directory of a table, relative to the storage's base. */
export function tableDirectory(subPath: string, { schema, name }: TableId): string {
  return joinPath(subPath, encodeSegment(schema), encodeSegment(name));
}

/** Directory of a dataset by its name: a query, which is in no schema, has one beside those of the schemas. */
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
 * Refuses a `--sub-path` that is absolute, leads upwards or has segments that no store can hold.
 * @param flag where it was typed
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

/** True for a relative path that stays below the base; the empty one is the base itself. */
export function isSafePath(path: string): boolean {
  return path === '' || pathProblem(path) === undefined;
}

/** The last line of defence of a store: a path that passes here stays below the base. */
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
  if (path.includes('\\')) return 'has a backslash; directories are separated by /';
  if (/\p{Cc}/u.test(path)) return 'has a control character';
  for (const segment of path.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (segment === '..') return 'leads upwards by ..';
    if (segment === '.') return 'has the segment .';
  }
  return undefined;
}
