import { createHash } from 'node:crypto';

/** Names of Hive-style directories, `name=value`, as Hive, Spark, DuckDB and Arrow write and read them. */

/** Stands for NULL, and for the empty text, which Hive cannot tell from it. */
const NULL_DIRECTORY = '__HIVE_DEFAULT_PARTITION__';

/** File systems allow 255 bytes in the name of a directory, and stores about 1000 in a whole path. */
const MOST_BYTES = 200;
const HASH_DIGITS = 32;

/**
 * What `escapePathName` of Hive's FileUtils escapes, and a dot or a space at the end, which Windows and Azure drop: any
 * escape is read back.
 */
const ESCAPED = /[\u0000-\u001f\u007f"#%'*/:=?\\{[\]^]|[. ]$/gu;

/** One level of directories, with the value that all rows below it share; null for NULL. */
export interface DirectoryLevel {
  readonly name: string;
  readonly value: string | null;
}

/** `region=EU/year=2025`. A name that is too long is cut, and ends in a hash of the value. */
export function hivePath(levels: readonly DirectoryLevel[]): string {
  return levels.map(segment).join('/');
}

/** Whether readers get the value back from the name of the directory. */
export function isReadBack({ name, value }: DirectoryLevel): boolean {
  return value === null || (value !== '' && Buffer.byteLength(whole(name, value)) <= MOST_BYTES);
}

function segment({ name, value }: DirectoryLevel): string {
  if (value === null || value === '') return `${escaped(name)}=${NULL_DIRECTORY}`;
  const text = whole(name, value);
  return Buffer.byteLength(text) <= MOST_BYTES ? text : shortened(text, value);
}

function whole(name: string, value: string): string {
  return `${escaped(name)}=${escapedValue(value)}`;
}

function shortened(text: string, value: string): string {
  const hash = createHash('sha256').update(value).digest('hex').slice(0, HASH_DIGITS);
  let [start, bytes] = ['', hash.length + 1];
  // An escape stays whole, as does a character.
  for (const [piece] of text.matchAll(/%[0-9A-F]{2}|./gsu)) {
    bytes += Buffer.byteLength(piece);
    if (bytes > MOST_BYTES) break;
    start += piece;
  }
  return `${start}~${hash}`;
}

/** Values that stand for NULL in a reader, even if they are texts. */
const NULL_WORDS = /^(?:null|__hive_default_partition__)$/i;

function escapedValue(value: string): string {
  return NULL_WORDS.test(value) ? escapedCharacter(value.charAt(0)) + escaped(value.slice(1)) : escaped(value);
}

function escaped(text: string): string {
  return text.replace(ESCAPED, escapedCharacter);
}

function escapedCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
