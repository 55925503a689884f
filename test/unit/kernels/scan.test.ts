import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Kernels } from '../../../src/kernels/kernels.js';
import { ReceiveBuffer } from '../../../src/sources/postgres/copy/receive-buffer.js';
import { RowScanner } from '../../../src/sources/postgres/copy/row-scanner.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';

type Row = readonly (Uint8Array | null)[];

const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function rowBody(row: Row): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(row.length);
  const fields = row.flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(field?.length ?? -1);
    return field === null ? [length] : [length, Buffer.from(field)];
  });
  return Buffer.concat([count, ...fields]);
}

const COLUMNS = 3;

const rows = fc.array(
  fc.array(
    fc.oneof(fc.constant(null), fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ maxLength: 9 })),
    {
      minLength: COLUMNS,
      maxLength: COLUMNS,
    },
  ),
  { minLength: 1, maxLength: 50 },
);

function copyOf(all: readonly Row[]): Buffer {
  const [first, ...others] = all.map(rowBody);
  const end = Buffer.from([0xff, 0xff]);
  return Buffer.concat([
    message('d', Buffer.concat([HEADER, first!])),
    ...others.map((body) => message('d', body)),
    message('d', end),
    message('c', Buffer.alloc(0)),
  ]);
}

/** Every row, and how it ended, with the bytes coming in pieces. */
function scanned(bytes: Uint8Array, pieces: readonly number[], kernels: Kernels | undefined) {
  const buffer = new ReceiveBuffer(kernels?.fixed);
  const scanner = new RowScanner(COLUMNS, kernels);
  const found: (readonly (string | null)[])[] = [];
  const ends: unknown[] = [];
  let given = 0;
  try {
    for (const piece of [...pieces, bytes.length]) {
      const next = bytes.subarray(given, given + piece);
      given += next.length;
      buffer.append(next);
      const end = scanner.scan(buffer);
      ends.push(end);
      for (let r = 0; r < scanner.rows; r++) {
        found.push(
          Array.from({ length: COLUMNS }, (_, c) => {
            const offset = scanner.offsets[c * scanner.stride + r]!;
            if (offset < 0) return null;
            const length = buffer.view.getInt32(offset - 4);
            return Buffer.from(buffer.bytes.subarray(offset, offset + length)).toString('hex');
          }),
        );
      }
      scanner.rows = 0;
      if (end.kind === 'message') break;
    }
    return { found, ends };
  } catch (error) {
    return { found, error: (error as Error).message };
  } finally {
    buffer.release();
  }
}

describe.each(KERNEL_BUILDS)('the scan of a COPY by a kernel (%s)', (build) => {
  const kernels = kernelsOf(build);
  const pieces = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 });

  it('finds the fields that are there, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(rows, pieces, (all, cuts) => {
        const bytes = copyOf(all);
        const result = scanned(bytes, cuts, kernels);
        expect(result).toEqual(scanned(bytes, cuts, undefined));
        expect(result.found).toEqual(all.map((row) => row.map((field) => field && Buffer.from(field).toString('hex'))));
      }),
    );
  });

  it('fails, or waits, as the TypeScript scanner does where bytes are wrong', () => {
    fc.assert(
      fc.property(
        rows,
        pieces,
        fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
        (all, cuts, damages) => {
          const bytes = copyOf(all);
          for (const [at, byte] of damages) bytes[HEADER.length + 5 + (at % (bytes.length - HEADER.length - 5))] = byte;
          const result = scanned(bytes, cuts, kernels);
          const reference = scanned(bytes, cuts, undefined);
          // Both see the damage, by whatever name, and neither makes rows of it that the other does not.
          expect(result.found).toEqual(reference.found);
          expect(result.error === undefined).toBe(reference.error === undefined);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a field longer than its message', 200],
    ['a field of 2 GiB', 0x7fffffff],
  ])('%s is an error', (_, length) => {
    const bad = rowBody([Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)]);
    bad.writeInt32BE(length, 2 + 8);
    const good = [Buffer.alloc(4), Buffer.alloc(4), Buffer.alloc(4)];
    const first = message('d', Buffer.concat([HEADER, rowBody(good)]));
    const bytes = Buffer.concat([first, message('d', bad)]);
    expect(scanned(bytes, [first.length], kernels).error).toBe('a row does not end with its message');
  });

  it.each([0, 3, -5])('a message of length %i is an error', (length) => {
    const good = message('d', Buffer.concat([HEADER, rowBody([null, null, null])]));
    const bad = Buffer.alloc(20, 'd');
    bad.writeInt32BE(length, 1);
    const bytes = Buffer.concat([good, bad]);
    expect(scanned(bytes, [good.length], kernels).error).toBeDefined();
    expect(scanned(bytes, [good.length], undefined).error).toBeDefined();
  });
});
