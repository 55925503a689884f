import { decode, encodingExists } from '../wire/legacy-encodings.js';
import { LakeportError } from '../../errors.js';

/** PostgreSQL encodings that iconv has under another name. */
const NAMES: Readonly<Record<string, string>> = {
  ABC: 'cp1258',
  ALT: 'cp866',
  UHC: 'cp949',
  VSCII: 'cp1258',
  WIN: 'cp1251',
  WIN866: 'cp866',
  WIN874: 'cp874',
  WIN949: 'cp949',
};

/**
 * Resolves an entry's `source_encoding`, by PostgreSQL's or iconv's name.
 * @throws LakeportError if it is unknown, or not a superset of ASCII
 */
export function textEncoding(name: string | undefined, entryId: string): string | undefined {
  if (name === undefined) return undefined;
  const plain = name.trim();
  // UTF-8 is the default anyway.
  if (/^(utf-?8|unicode)$/i.test(plain)) return undefined;
  const encoding = NAMES[plain.toUpperCase()] ?? plain;
  if (encodingExists(encoding) && keepsAscii(encoding)) return encoding;
  throw new LakeportError({
    code: 'SOURCE_ENCODING_UNKNOWN',
    message: `The "source_encoding" of the entry is ${plain}, which is not a known text encoding`,
    hint: 'Use a name such as LATIN1, LATIN9, WIN1252, KOI8R, EUC_JP, SJIS, GBK or UTF8',
    context: { entry: entryId, detail: 'source_encoding' },
  });
}

function keepsAscii(encoding: string): boolean {
  const ascii = Buffer.from(Array.from({ length: 0x7e }, (_, index) => index + 1));
  return decode(ascii, encoding) === ascii.toString('latin1');
}
