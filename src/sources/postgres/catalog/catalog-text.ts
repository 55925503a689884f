import { isUtf8 } from 'node:buffer';
import { LakeportError } from '../../../errors.js';
import { characterLength } from '../characters.js';
import type { ServerFacts } from '../connection/server-facts.js';

/**
 * Names in the catalog. In a database that is not in UTF-8 they may contain invalid bytes, for which the server would
 * fail the whole query, so they are fetched as bytes and decoded here.
 */

type Encoding = Pick<ServerFacts, 'encoding' | 'characters'>;

/** SELECT expression for a name, in the form that `readText` expects. */
export function selectText(expression: string, { encoding }: Pick<Encoding, 'encoding'>): string {
  return encoding === 'UTF8' ? `${expression}::pg_catalog.text` : selectBytes(expression);
}

/** A text's bytes as stored, in hexadecimal. */
export function selectBytes(expression: string): string {
  const converted = `pg_catalog.convert_to(${expression}::pg_catalog.text, pg_catalog.getdatabaseencoding())`;
  return `pg_catalog.encode(${converted}, 'hex')`;
}

/** Decodes a name selected with `selectText`. Invalid bytes appear as `\x81`. */
export function readText(selected: string, server: Encoding): string {
  return decodeText(selected, server).text;
}

/** Like `readText`; `isWhole` tells that there were no invalid bytes, so the object can be found by this name. */
export function decodeText(selected: string, server: Encoding): { readonly text: string; readonly isWhole: boolean } {
  if (server.encoding === 'UTF8') return { text: selected, isWhole: true };
  const bytes = Buffer.from(selected, 'hex');
  let text = '';
  let isWhole = true;
  for (let i = 0; i < bytes.length;) {
    const { character, length } = characterAt(bytes, i, server);
    isWhole &&= character !== undefined;
    text += character ?? escapeBytes(bytes.subarray(i, i + length));
    i += length;
  }
  return { text, isWhole };
}

function characterAt(bytes: Buffer, at: number, { encoding, characters }: Encoding) {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return { character: String.fromCharCode(lead), length: 1 };
  if (encoding === 'SQL_ASCII') {
    const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const some = bytes.subarray(at, at + length);
    return some.length === length && isUtf8(some) ? { character: some.toString(), length } : { length: 1 };
  }
  const some = bytes.subarray(at, at + characterLength(encoding, lead));
  const code = some.reduce((number, byte) => number * 0x100 + byte, 0);
  return { character: characters?.byCode.get(code), length: some.length };
}

function escapeBytes(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/** A table or column whose name has no form in UTF-8, and so can be neither queried nor written to a file. */
export function nameNotReadable(table: string, column?: string): LakeportError {
  return new LakeportError({
    code: 'NAME_NOT_READABLE',
    message: `The name of ${column === undefined ? 'the table or its schema' : `column ${column}`} contains bytes that cannot be converted to UTF-8`,
    hint:
      column === undefined
        ? 'Rename it (ALTER TABLE ... RENAME), export a view of it (with --include-views), or leave it out with --exclude'
        : 'Rename it (ALTER TABLE ... RENAME COLUMN), or export a view that gives it another name (with --include-views)',
    context: { table, ...(column !== undefined && { column }) },
  });
}
