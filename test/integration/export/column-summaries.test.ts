import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { StagedFile } from '../../../src/export/model/slice-outcome.js';
import type { ColumnSummary } from '../../../src/parquet/column-summary.js';
import { exportOptions, exportTables } from '../../harness/export-tables.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/* What a worker tells of each column of a file it has staged, held against what other readers find in the file. */

const ROWS = 1000;
const COLUMNS: Readonly<Record<string, string>> = {
  id: 'n',
  small: '(n % 7)::smallint',
  large: 'n * 10000000000',
  half: '(CASE WHEN n % 3 > 0 THEN n / 2.0 END)::numeric(10,2)',
  wide: '((n - 500) * 1e20)::numeric(30,4)',
  real: '(n - 500)::real',
  double: "CASE WHEN n % 2 = 0 THEN '-0.0'::float8 ELSE 0 END",
  nans: "CASE WHEN n % 2 = 0 THEN 'NaN'::float8 ELSE 1 END",
  flag: 'n > 10',
  day: "DATE '1969-12-01' + n",
  moment: "TIMESTAMPTZ '1969-12-31' + n * INTERVAL '1 hour'",
  word: "'ż' || n",
  long: "repeat('😀é', 20) || n",
  document: "jsonb_build_object('n', n)",
  key: 'md5(n::text)::uuid',
  nothing: 'NULL::integer',
  numbers: 'CASE WHEN n % 10 > 0 THEN array_fill(n, ARRAY[n % 3]) END',
};

let server: PostgresServer;
let scratch: ScratchDirectory;
let staged: StagedFile[];

beforeAll(async () => {
  server = await startPostgres();
  const columns = Object.entries(COLUMNS).map(([name, value]) => `${value} AS ${name}`);
  await server.query(`CREATE TABLE t AS SELECT ${columns.join(', ')} FROM generate_series(1, ${ROWS}) n`);
  await server.query(`CREATE TABLE nobody AS SELECT 1 AS id, 'x' AS word WHERE false`);
  scratch = new ScratchDirectory();
});
afterAll(async () => {
  scratch.remove();
  await server.stop();
});

/** The files in the directory, and what was told of each when it was staged. */
async function exported(
  table: string,
  overrides: { readonly rowGroupRows?: number; readonly maxRowsPerFile?: number },
) {
  staged = [];
  const options = exportOptions(scratch.path, { includePatterns: [table], ...overrides });
  await exportTables({ server, options, observer: { sliceStaged: (_, __, { files }) => staged.push(...files) } });
  return staged.map((file, index) => ({
    path: path.join(scratch.path, 'public', table, `part-${String(index).padStart(5, '0')}.parquet`),
    columns: file.columns ?? [],
  }));
}

type Thrift = Readonly<Record<`field_${number}`, unknown>>;

/** Each row group's columns, from the bytes of the footer. */
function footerColumns(file: string): ColumnSummary[][] {
  const bytes = readFileSync(file);
  const length = bytes.readUInt32LE(bytes.length - 8);
  const footer = bytes.subarray(bytes.length - 8 - length, bytes.length - 8);
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  const hex = (bound: Uint8Array) => Buffer.from(bound).toString('hex');
  // Numbers of fields as in parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, Statistics.
  const { field_4: groups = [] } = deserializeTCompactProtocol({ view, offset: 0 }) as Thrift;
  return (groups as Thrift[]).map(({ field_1: chunks }) =>
    (chunks as Thrift[]).map(({ field_3: chunk }) => {
      const {
        field_3: names,
        field_5: values,
        field_6: uncompressed,
        field_7: compressed,
        field_12: statistics,
      } = chunk as Thrift;
      const {
        field_3: nulls,
        field_5: max,
        field_6: min,
        field_7: isMaxExact,
        field_8: isMinExact,
      } = statistics as Thrift;
      const [name] = names as Uint8Array[];
      const ends = min === undefined ? undefined : { min: hex(min as Uint8Array), max: hex(max as Uint8Array) };
      return {
        name: Buffer.from(name!).toString(),
        compressedBytes: Number(compressed),
        uncompressedBytes: Number(uncompressed),
        values: Number(values),
        nulls: Number(nulls),
        ...(ends && { bounds: { ...ends, isMinExact: isMinExact !== false, isMaxExact: isMaxExact !== false } }),
      };
    }),
  );
}

describe('summaries of columns', () => {
  it('a file of one row group is summed up as its footer does', async () => {
    const [file] = await exported('t', {});
    expect(file!.columns.map(({ name }) => name)).toEqual(Object.keys(COLUMNS));
    const [group, ...more] = footerColumns(file!.path);
    expect(more).toEqual([]);
    expect(file!.columns).toEqual(group);
    const without = file!.columns.filter(({ bounds }) => bounds === undefined).map(({ name }) => name);
    expect(without).toEqual(['nans', 'nothing']);
    const shortened = file!.columns.filter(({ bounds }) => bounds?.isMaxExact === false).map(({ name }) => name);
    expect(shortened).toEqual(['long']);
  });

  it('several files of several row groups are summed up over their row groups', async () => {
    const files = await exported('t', { rowGroupRows: 150, maxRowsPerFile: 400 });
    expect(files).toHaveLength(3);
    for (const file of files) {
      const groups = footerColumns(file.path);
      expect(groups.length).toBeGreaterThan(1);
      const total = (index: number, of: (column: ColumnSummary) => number) =>
        groups.reduce((sum, group) => sum + of(group[index]!), 0);
      for (const [index, { name, compressedBytes, uncompressedBytes, values, nulls }] of file.columns.entries()) {
        expect({ name, compressedBytes, uncompressedBytes, values, nulls }).toEqual({
          name: Object.keys(COLUMNS)[index],
          compressedBytes: total(index, (column) => column.compressedBytes),
          uncompressedBytes: total(index, (column) => column.uncompressedBytes),
          values: total(index, (column) => column.values),
          nulls: total(index, (column) => column.nulls),
        });
      }
    }
  });

  it('bounds over several row groups are the smallest and the largest value', async () => {
    const [file] = await exported('t', { rowGroupRows: 150 });
    for (const name of ['id', 'large', 'half', 'wide', 'real', 'word']) {
      const { bounds } = file!.columns.find((column) => column.name === name)!;
      const [row] = await queryDuckDb(
        `SELECT min(${name})::text AS min, max(${name})::text AS max FROM read_parquet(${quote(file!.path)})`,
      );
      expect({ name, min: valueOf(name, bounds!.min), max: valueOf(name, bounds!.max) }).toEqual({ name, ...row });
    }
  });

  it('a file without rows has summaries without values', async () => {
    const [file] = await exported('nobody', {});
    const nothing = { compressedBytes: 0, uncompressedBytes: 0, values: 0, nulls: 0 };
    expect(file!.columns).toEqual([
      { name: 'id', ...nothing },
      { name: 'word', ...nothing },
    ]);
  });
});

/** A bound's bytes as DuckDB shows the value. */
function valueOf(column: string, hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  switch (column) {
    case 'id':
      return String(bytes.readInt32LE());
    case 'large':
      return String(bytes.readBigInt64LE());
    case 'half':
      return scaled(bytes.readBigInt64LE(), 2);
    case 'wide':
      return scaled(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)), 4);
    case 'real':
      return bytes.readFloatLE().toFixed(1);
    default:
      return bytes.toString();
  }
}

function scaled(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
