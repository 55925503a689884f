import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory, type TemporaryDirectory } from '../../harness/cli.js';
import { queryDuckDb, quote, readWithDuckDb } from '../../harness/parquet-readers/duckdb.js';
import { readWithHyparquet } from '../../harness/parquet-readers/hyparquet.js';
import { readWithParquetWasm } from '../../harness/parquet-readers/parquet-wasm.js';
import { readWithParquetjsLite } from '../../harness/parquet-readers/parquetjs-lite.js';

/*
 * The readers that all other tests trust, on a file that none of this project's code has written: each says the same,
 * in the words of PostgreSQL.
 */

const COLUMNS = `
  true AS bool, 32767::SMALLINT AS small, (-2147483648)::INTEGER AS int, 9223372036854775807::BIGINT AS big,
  1.1::FLOAT AS real, '-0.0'::DOUBLE AS zero, 'nan'::DOUBLE AS nan, 5e-324::DOUBLE AS denormal,
  (-1.05)::DECIMAL(4,2) AS d4, 12345678901234.5678::DECIMAL(18,4) AS d18,
  '-99999999999999999999999999999999999999'::DECIMAL(38,0) AS d38, 0.00001::DECIMAL(30,5) AS d30,
  'żółć 😀' AS text, 'a\\x00\\xFF'::BLOB AS bytes,
  '0044-03-15 (BC)'::DATE AS bc, DATE '5874897-12-31' AS far,
  TIMESTAMP '1969-12-31 23:59:59.999999' AS ts, TIMESTAMPTZ '2024-02-29 12:00:00.5+00' AS tz,
  TIME '24:00:00' AS t, '00112233-4455-6677-8899-aabbccddeeff'::UUID AS uuid, '{"a": [1, 2]}'::JSON AS json,
  [1, NULL, 3]::INTEGER[] AS ints, []::VARCHAR[] AS nothing, NULL::INTEGER AS missing`;

const EXPECTED = {
  bool: 't',
  small: '32767',
  int: '-2147483648',
  big: '9223372036854775807',
  real: String(Math.fround(1.1)),
  zero: '-0',
  nan: 'NaN',
  denormal: '5e-324',
  d4: '-1.05',
  d18: '12345678901234.5678',
  d38: '-99999999999999999999999999999999999999',
  d30: '0.00001',
  text: 'żółć 😀',
  bytes: '\\x6100ff',
  bc: '0044-03-15 BC',
  far: '5874897-12-31',
  ts: '1969-12-31 23:59:59.999999',
  tz: '2024-02-29 12:00:00.5+00',
  t: '24:00:00',
  uuid: '00112233-4455-6677-8899-aabbccddeeff',
  json: '{"a": [1, 2]}',
  ints: ['1', null, '3'],
  nothing: [],
  missing: null,
};

describe('independent readers', () => {
  let directory: TemporaryDirectory;
  let file: string;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    file = path.join(directory.path, 'types.parquet');
    await queryDuckDb(`COPY (SELECT ${COLUMNS}) TO ${quote(file)} (FORMAT parquet, COMPRESSION zstd)`);
  });
  afterAll(() => directory.remove());

  const asObject = (columns: Awaited<ReturnType<typeof readWithDuckDb>>) =>
    Object.fromEntries(columns.map(({ name, cells }) => [name, cells?.[0]]));

  it('DuckDB reads every type as the server prints it', async () => {
    expect(asObject(await readWithDuckDb([file]))).toEqual(EXPECTED);
  });

  it('parquet-wasm reads every type as the server prints it', async () => {
    expect(asObject(await readWithParquetWasm([file]))).toEqual(EXPECTED);
  });

  it('hyparquet reads every type except large decimals', async () => {
    expect(asObject(await readWithHyparquet([file]))).toEqual({
      ...EXPECTED,
      d18: undefined,
      d38: undefined,
      d30: undefined,
    });
  });

  it('parquetjs-lite reads the types it supports', async () => {
    const simple = path.join(directory.path, 'simple.parquet');
    const columns = `true AS bool, (-2147483648)::INTEGER AS int, 9007199254740991::BIGINT AS big, '-0.5'::DOUBLE AS double,
      'żółć 😀' AS text, DATE '2024-02-29' AS date, TIMESTAMP '1969-12-31 23:59:59.999' AS ts, NULL::INTEGER AS missing`;
    await queryDuckDb(`COPY (SELECT ${columns}) TO ${quote(simple)} (FORMAT parquet, COMPRESSION snappy)`);
    expect(asObject(await readWithParquetjsLite([simple]))).toEqual({
      bool: 't',
      int: '-2147483648',
      big: '9007199254740991',
      double: '-0.5',
      text: 'żółć 😀',
      date: '2024-02-29',
      ts: '1969-12-31 23:59:59.999',
      missing: null,
    });
  });
});
