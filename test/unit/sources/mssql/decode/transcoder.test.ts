import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codePage } from '../../../../../src/sources/mssql/decode/code-pages.js';
import { type Transcoder, UTF16, UTF8 } from '../../../../../src/sources/mssql/decode/transcoder.js';

/** The text as UTF-8, or undefined where the transcoder takes the bytes for no text. */
function transcode(transcoder: Transcoder, bytes: Uint8Array, start = 0): string | undefined {
  const padded = new Uint8Array(start + bytes.length);
  padded.set(bytes, start);
  const out = new Uint8Array(Math.ceil(bytes.length * transcoder.expansion) + 5);
  const end = transcoder.transcode(padded, new DataView(padded.buffer), start, bytes.length, out, 5);
  return end < 0 ? undefined : Buffer.from(out.subarray(5, end)).toString('utf8');
}

/** In pieces that are cut after each `size` bytes, with what belongs to the next character carried over. */
function transcodeInPieces(transcoder: Transcoder, bytes: Uint8Array, size: number): string | undefined {
  let text = '';
  let held = new Uint8Array(0);
  for (let at = 0; at < bytes.length; at += size) {
    held = Buffer.concat([held, bytes.subarray(at, at + size)]);
    const isLast = at + size >= bytes.length;
    const length = isLast ? held.length : transcoder.wholeCharacters(held, 0, held.length);
    const piece = transcode(transcoder, held.subarray(0, length));
    if (piece === undefined) return undefined;
    text += piece;
    held = held.subarray(length);
  }
  return text;
}

const text = fc.string({ unit: 'binary', maxLength: 60 });

describe('UTF-16', () => {
  const encode = (value: string) => Buffer.from(value, 'utf16le');

  test('becomes the UTF-8 of the same text, wherever it lies', () => {
    fc.assert(
      fc.property(text, fc.nat(7), (value, start) => {
        expect(transcode(UTF16, encode(value), start)).toBe(value);
      }),
    );
  });

  test('is the same in pieces of any size', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 9 }), (value, size) => {
        expect(transcodeInPieces(UTF16, encode(value), size)).toBe(value);
      }),
    );
  });

  test('is no text where a surrogate is alone, or a byte is missing', () => {
    const units = fc.array(fc.constantFrom(0x61, 0xe9, 0xd83d, 0xde00, 0xdbff, 0xdfff), { maxLength: 8 });
    fc.assert(
      fc.property(units, (codes) => {
        const value = String.fromCharCode(...codes);
        expect(transcode(UTF16, encode(value))).toBe(isWellFormed(value) ? value : undefined);
      }),
    );
    expect(transcode(UTF16, Uint8Array.of(0x61))).toBeUndefined();
    expect(transcode(UTF16, Uint8Array.of(0x61, 0, 0xe9))).toBeUndefined();
  });
});

function isWellFormed(value: string): boolean {
  return Buffer.from(value, 'utf16le').equals(Buffer.from(Buffer.from(value, 'utf8').toString('utf8'), 'utf16le'));
}

describe('UTF-8', () => {
  test('stays as it is, in pieces too', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 9 }), (value, size) => {
        expect(transcode(UTF8, Buffer.from(value))).toBe(value);
        expect(transcodeInPieces(UTF8, Buffer.from(value), size)).toBe(value);
      }),
    );
  });

  test('is no text where the bytes are none', () => {
    for (const bytes of [[0xc3], [0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc0, 0x80]]) {
      expect(transcode(UTF8, Uint8Array.from(bytes))).toBeUndefined();
    }
  });
});

describe('code pages', () => {
  // The characters that Microsoft's tables give for a few bytes of each page.
  test.each([
    ['CP437', [0x80, 0xe1, 0xfe], '\u00c7\u00df\u25a0'],
    ['CP850', [0x80, 0xd5, 0xfe], '\u00c7\u0131\u25a0'],
    ['CP874', [0xa1, 0x80], '\u0e01\u20ac'],
    ['CP932', [0x88, 0x9f, 0xb1, 0x41], '\u4e9c\uff71A'],
    ['CP936', [0xb0, 0xa1, 0x41], '\u554aA'],
    ['CP949', [0xb0, 0xa1, 0x41], '\uac00A'],
    ['CP950', [0xa4, 0x40, 0x41], '\u4e00A'],
    ['CP1250', [0x8a, 0xf0], '\u0160\u0111'],
    ['CP1251', [0xc0, 0x98], '\u0410\u0098'],
    ['CP1252', [0x80, 0x81, 0xff], '\u20ac\u0081\u00ff'],
    ['CP1253', [0xe1], '\u03b1'],
    ['CP1254', [0xdd], '\u0130'],
    ['CP1255', [0xe0], '\u05d0'],
    ['CP1256', [0xc7], '\u0627'],
    ['CP1257', [0xe0], '\u0105'],
    ['CP1258', [0xd0], '\u0110'],
  ])('%s', (name, bytes, expected) => {
    const page = codePage(name)!;
    expect(transcode(page, Uint8Array.from(bytes))).toBe(expected);
    const ascii = Uint8Array.from({ length: 128 }, (_, i) => i);
    expect(transcode(page, ascii)).toBe(String.fromCharCode(...ascii));
  });

  test('hold bytes that stand for nothing', () => {
    expect(transcode(codePage('CP1253')!, Uint8Array.of(0xd2))).toBeUndefined();
    expect(transcode(codePage('CP932')!, Uint8Array.of(0x81))).toBeUndefined();
  });

  test('of two bytes a character are the same in pieces of any size', () => {
    const characters = fc.array(fc.constantFrom('a', '\\', '\u65e5', '\u672c', '\uff76', '\u8868'), { maxLength: 30 });
    const encoded: Readonly<Record<string, number[]>> = {
      a: [0x61],
      '\\': [0x5c],
      '\u65e5': [0x93, 0xfa],
      '\u672c': [0x96, 0x7b],
      '\uff76': [0xb6],
      // Its second byte is a backslash.
      '\u8868': [0x95, 0x5c],
    };
    fc.assert(
      fc.property(characters, fc.integer({ min: 2, max: 9 }), (list, size) => {
        const bytes = Uint8Array.from(list.flatMap((character) => encoded[character]!));
        expect(transcodeInPieces(codePage('CP932')!, bytes, size)).toBe(list.join(''));
      }),
    );
  });

  test('that nobody knows are told as such', () => {
    expect(codePage('CP0')).toBeUndefined();
  });
});
