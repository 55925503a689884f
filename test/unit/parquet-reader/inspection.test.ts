import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import { readFooter } from '../../../src/parquet-reader/footer.js';
import { inspectFile } from '../../../src/parquet-reader/inspection.js';
import type { RandomAccess } from '../../../src/parquet-reader/random-access.js';
import { typeNameOf } from '../../../src/parquet-reader/type-name.js';
import { failure } from '../../harness/failure.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../harness/scratch.js';

/** Files that DuckDB has written. */

const scratch = new ScratchDirectory();
const CODECS = ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw', 'brotli'];
const file = (name: string) => path.join(scratch.path, `${name}.parquet`);

beforeAll(async () => {
  await queryDuckDb(`CREATE TABLE t AS SELECT
      i::INT AS id, i::BIGINT * 3000000000000 AS big, (i / 7)::DECIMAL(18,3) AS price, (i::HUGEINT * 1000000000000000000)::DECIMAL(38,0) AS huge,
      DATE '2000-01-01' + i::INT AS day, TIMESTAMP '2000-01-01 00:00:00' + INTERVAL (i) MICROSECOND AS moment,
      CASE WHEN i % 3 = 0 THEN NULL ELSE 'text ' || (i % 5) END AS note, i % 2 = 0 AS flag, i / 8 AS ratio,
      [i, NULL, i + 1] AS list, {'a': i, 'b': 'x' || i} AS struct, MAP {'k' || i: i} AS map,
      encode('b' || i) AS bytes, '00000000-0000-0000-0000-00000000000a'::UUID AS uuid
      FROM range(5000) r(i);
    ${CODECS.map((codec) => `COPY t TO ${quote(file(codec))} (FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE 2048);`).join('\n')}
    COPY (SELECT * FROM t WHERE false) TO ${quote(file('empty'))} (FORMAT parquet);
    SELECT 1`);
});
afterAll(() => scratch.remove());

class Bytes implements RandomAccess {
  readonly name = 'some.parquet';
  readonly bytes: number;
  bytesRead = 0;
  readonly #content: Uint8Array;

  constructor(content: Uint8Array) {
    this.#content = content;
    this.bytes = content.length;
  }

  read(start: number, end: number): Promise<Uint8Array> {
    this.bytesRead += end - start;
    return Promise.resolve(this.#content.slice(start, end));
  }
}

const content = (name: string) => readFileSync(file(name));

describe('a file of another program', () => {
  it.each(CODECS)('compressed with %s shows its first rows', async (codec) => {
    const { rows, footer } = await inspectFile(new Bytes(content(codec)), { rows: 3000 });
    expect(rows).toHaveLength(3000);
    expect(footer.rowGroups.map((group) => group.rows)).toEqual([2048, 2048, 904]);
    for (const i of [0, 7, 2047, 2048, 2999]) {
      expect(rows![i]).toEqual([
        i,
        String(BigInt(i) * 3_000_000_000_000n),
        expect.stringMatching(new RegExp(`^${Math.floor(i / 7)}\\.\\d{3}$`)),
        i === 0 ? '0' : `${i}000000000000000000`,
        new Date(Date.UTC(2000, 0, 1 + i)).toISOString().slice(0, 10),
        i === 0 ? '2000-01-01T00:00:00' : `2000-01-01T00:00:00.${String(i).padStart(6, '0')}`,
        i % 3 === 0 ? null : `text ${i % 5}`,
        i % 2 === 0,
        i / 8,
        [String(i), null, String(i + 1)],
        { a: String(i), b: `x${i}` },
        expect.anything(),
        `0x${Buffer.from(`b${i}`).toString('hex')}`,
        '00000000-0000-0000-0000-00000000000a',
      ]);
    }
  });

  it('shows types, sizes and statistics over all row groups', async () => {
    const { footer, totals } = await inspectFile(new Bytes(content('zstd')), { rows: undefined });
    expect(footer.schema.children.map(typeNameOf)).toEqual([
      'INT32 INT(32)',
      'INT64 INT(64)',
      'INT64 DECIMAL(18,3)',
      'FIXED_LEN_BYTE_ARRAY(16) DECIMAL(38,0)',
      'INT32 DATE',
      'INT64 TIMESTAMP(MICROS)',
      'BYTE_ARRAY STRING',
      'BOOLEAN',
      'DOUBLE',
      'LIST<INT64 INT(64)>',
      'STRUCT<a: INT64 INT(64), b: BYTE_ARRAY STRING>',
      'MAP<BYTE_ARRAY STRING, INT64 INT(64)>',
      'BYTE_ARRAY',
      'FIXED_LEN_BYTE_ARRAY(16) UUID',
    ]);
    const of = (name: string) => totals.find(({ column }) => column.path.join('.') === name);
    expect(of('id')).toMatchObject({ min: 0, max: 4999, nulls: 0, values: 5000, codecs: ['ZSTD'] });
    expect(of('price')).toMatchObject({ min: '0.000', max: '714.143' });
    expect(of('note')).toMatchObject({ nulls: 1667, min: 'text 0', max: 'text 4' });
    expect(of('day')).toMatchObject({ min: '2000-01-01', max: '2013-09-08' });
    expect(of('struct.a')).toMatchObject({ min: '0', max: '4999' });
  });

  it('without rows has no rows to show', async () => {
    const { footer, rows } = await inspectFile(new Bytes(content('empty')), { rows: 5 });
    expect(rows).toEqual([]);
    expect(footer.rows).toBe(0);
  });

  it('of 10 GB is read by less than 2 MB, with rows too', async () => {
    const small = content('zstd');
    const { footer } = await inspectFile(new Bytes(small), { rows: undefined });
    // Its footer at the end of 10 GB, of which only the pages at the beginning are any.
    const bytes = 10 * 2 ** 30;
    let bytesRead = 0;
    const large: RandomAccess = {
      name: 'large.parquet',
      bytes,
      read: (start, end) => {
        bytesRead += end - start;
        const tail = small.subarray(small.length - footer.bytes);
        const at = bytes - tail.length;
        const read = Buffer.alloc(end - start);
        small.copy(read, 0, Math.min(start, small.length), Math.min(end, small.length));
        if (end > at) tail.copy(read, Math.max(0, at - start), Math.max(0, start - at));
        return Promise.resolve(read);
      },
    };
    const { rows } = await inspectFile(large, { rows: 10 });
    expect(rows).toHaveLength(10);
    expect(bytesRead).toBeLessThan(2e6);
  });

  it('shows few rows of large column chunks by their first pages', async () => {
    const data = Array.from({ length: 100_000 }, (_, i) => createHash('sha256').update(String(i)).digest('hex'));
    const columnData = [{ name: 'noise', data, type: 'STRING' as const }];
    const large = new Bytes(new Uint8Array(parquetWriteBuffer({ columnData, pageSize: 100_000, rowGroupSize: 1e6 })));
    const { rows } = await inspectFile(large, { rows: 2 });
    expect(rows).toEqual([[data[0]], [data[1]]]);
    expect(large.bytes).toBeGreaterThan(3e6);
    expect(large.bytesRead).toBeLessThan(400_000);
  });
});

describe('a bad file', () => {
  const code = async (bytes: Uint8Array) => (await failure(readFooter(new Bytes(bytes)))).code;

  it('is told from a Parquet file', async () => {
    const whole = content('zstd');
    expect(await code(Buffer.alloc(0))).toBe('NOT_PARQUET');
    expect(await code(Buffer.from('PAR1'))).toBe('NOT_PARQUET');
    expect(await code(Buffer.from('{"format_version": 2, "files": []}'))).toBe('NOT_PARQUET');
    expect(await code(whole.subarray(0, 5000))).toBe('PARQUET_TRUNCATED');
    expect(await code(whole.subarray(0, whole.length - 1))).toBe('PARQUET_TRUNCATED');
    expect(await code(Buffer.concat([whole.subarray(0, -4), Buffer.from('PARE')]))).toBe('PARQUET_ENCRYPTED');
    const tooLong = Buffer.from(whole);
    tooLong.writeUInt32LE(whole.length, whole.length - 8);
    expect(await code(tooLong)).toBe('PARQUET_DAMAGED');
    expect(await code(Buffer.concat([whole.subarray(0, 4), whole.subarray(9000)]))).toBe('PARQUET_DAMAGED');
  });

  it('whose footer has any byte flipped is shown or refused, and never anything else', async () => {
    const whole = content('empty').length > 4000 ? content('empty') : content('zstd');
    const { bytes: length } = await readFooter(new Bytes(whole));
    const step = Math.max(1, Math.floor(length / 1500));
    for (let at = whole.length - length; at < whole.length; at += step) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      try {
        await inspectFile(new Bytes(flipped), { rows: undefined });
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(LakeportError);
        expect((error as LakeportError).code, `byte ${at}`).toMatch(/PARQUET/);
      }
    }
  });

  it('with a flipped byte in a page shows its footer, and tells which column cannot be read', async () => {
    const damaged = Buffer.from(content('zstd'));
    const { footer } = await inspectFile(new Bytes(damaged), { rows: undefined });
    const note = footer.rowGroups[0]!.chunks.find(({ column }) => column.path[0] === 'note')!;
    damaged.fill(0xff, note.offset + 20, note.offset + note.compressedBytes);
    const error = await failure(inspectFile(new Bytes(damaged), { rows: 5 }));
    expect(error).toMatchObject({ code: 'PARQUET_DAMAGED', context: { column: 'note' } });
  });
});
