import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asyncBufferFromFile,
  parquetReadObjects,
  readColumnIndex,
  readOffsetIndex,
  type ParquetParsers,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { readFile } from 'node:fs/promises';
import { runExportHere, type ExportRun } from '../../harness/export-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { readFooter } from '../../harness/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/*
 * Statistics and page index: a reader skips what they rule out, so a wrong bound is a missing row. Every filter is
 * counted three times: by the server, by DuckDB over the row groups' bounds, by hyparquet over the pages'.
 */

/** A page is cut at 131,072 values, or one batch later: two pages in each row group but the last. */
const ROWS = 272_000;
const GROUP_ROWS = 134_000;
/** Of the table whose rows hyparquet makes objects of, over and over: two row groups of three pages. */
const FEWER_ROWS = 136_000;

/** Name, the server's type, DuckDB's type, and the SQL that makes the values from `n`. */
const COLUMNS = [
  ['sorted', 'bigint', 'BIGINT', 'n * 3'],
  ['falling', 'integer', 'INTEGER', `${ROWS} - n`],
  ['random', 'integer', 'INTEGER', 'hashint4(n)'],
  ['small', 'smallint', 'SMALLINT', '(n % 7)'],
  ['amount', 'numeric(10,2)', 'DECIMAL(10,2)', '(hashint4(n) % 1000000) / 100.0'],
  ['large', 'numeric(30,4)', 'DECIMAL(30,4)', '(hashint4(n) % 1000)::numeric * 1e20 + n'],
  ['day', 'date', 'DATE', "DATE '1990-01-01' + n % 20000"],
  ['moment', 'timestamp', 'TIMESTAMP', "TIMESTAMP '1969-01-01' + n * INTERVAL '1 hour 0.000001 seconds'"],
  ['word', 'text', 'VARCHAR', 'md5((n % 5000)::text)'],
  // Longer than any bound that a footer should hold; alike in their first characters, of several bytes each.
  ['long', 'text', 'VARCHAR', "repeat('😀é', 20) || n"],
  // Nothing is greater than its beginning: a shortened upper bound can't be had by adding one.
  ['highest', 'text', 'VARCHAR', "repeat(U&'\\+10FFFF', 30) || n"],
  ['bytes', 'bytea', 'BLOB', "decode(repeat('ff', 20 + n % 100), 'hex')"],
  ['double', 'double precision', 'DOUBLE', 'hashint4(n) / 1000.0'],
  ['zeros', 'double precision', 'DOUBLE', "CASE WHEN n % 2 = 0 THEN '-0.0'::float8 ELSE 0 END"],
  ['nans', 'double precision', 'DOUBLE', "CASE WHEN n % 3 = 0 THEN 'NaN'::float8 ELSE n END"],
  ['only_nan', 'real', 'FLOAT', "'NaN'::float4"],
  ['infinite', 'real', 'FLOAT', "CASE n % 3 WHEN 0 THEN 'Infinity'::float4 WHEN 1 THEN '-Infinity' ELSE n END"],
  ['id', 'uuid', 'UUID', 'md5(n::text)::uuid'],
  // In the order of a table that has them as its key, and drawn at random.
  ['parent', 'uuid', 'UUID', 'md5((n % 1500)::text)::uuid'],
  ['price', 'numeric(20,2)', 'DECIMAL(20,2)', '(hashint4(n) % 500)::numeric * 1e15'],
  ['flag', 'boolean', 'BOOLEAN', 'n > 200000'],
  // The second row group and whole pages of the others have nothing but NULL.
  [
    'gaps',
    'integer',
    'INTEGER',
    `CASE WHEN n BETWEEN ${GROUP_ROWS + 1} AND ${2 * GROUP_ROWS} OR n < 131500 THEN NULL ELSE n END`,
  ],
  ['nothing', 'integer', 'INTEGER', 'NULL::integer'],
] as const;

type ColumnName = (typeof COLUMNS)[number][0];

/** Values that are searched for besides those of some rows. */
const EXTRA: Partial<Record<ColumnName, readonly string[]>> = {
  sorted: ['-1', '9223372036854775807'],
  zeros: ['0', '-0.0', '1e-300', '-1e-300'],
  nans: ['NaN', 'Infinity', '0', '59999', '1e300'],
  only_nan: ['NaN', 'Infinity', '0', '-Infinity'],
  infinite: ['Infinity', '-Infinity', '3e38', 'NaN'],
  double: ['NaN', '-Infinity'],
  long: ['😀é'.repeat(20), '😀é'.repeat(12), '😀é'.repeat(20) + '6'],
  highest: ['\u{10FFFF}'.repeat(30), '\u{10FFFF}'.repeat(10), '\u{10FFFF}'.repeat(30) + '5'],
  bytes: ['\\x' + 'ff'.repeat(64), '\\x' + 'ff'.repeat(16), '\\x' + 'ff'.repeat(121), '\\x'],
  word: ['', 'g', '8'],
  nothing: ['0'],
};

/** Columns with pages that nothing can bound: NaN, or no short value above the greatest. They have no column index. */
const WITHOUT_INDEX: ReadonlySet<string> = new Set<ColumnName>(['highest', 'bytes', 'nans', 'only_nan']);

let server: PostgresServer;
let run: ExportRun;
let file: string;
let shorter: string;

beforeAll(async () => {
  server = await startPostgres();
  const columns = COLUMNS.map(([name, type, , sql]) => `(${sql})::${type} AS ${name}`).join(', ');
  await server.query(`CREATE TABLE measured AS SELECT ${columns} FROM generate_series(1, ${ROWS}) n;
    CREATE TABLE shorter AS SELECT * FROM measured LIMIT ${FEWER_ROWS}`);
  run = await runExportHere(server, { args: ['--row_group_rows', String(GROUP_ROWS), '-p', '1'] });
  file = (await run.files('measured'))[0]!;
  shorter = (await run.files('shorter'))[0]!;
});
afterAll(async () => {
  await run.remove();
  await server.stop();
});

it.each([
  ['parent', true],
  ['price', true],
  ['id', false],
])('fixed-length values use a dictionary if it pays off: %s %s', async (name, pays) => {
  const chunks = await queryDuckDb(
    `SELECT encodings, dictionary_page_offset FROM parquet_metadata(${quote(file)}) WHERE path_in_schema = '${name}'`,
  );
  expect(chunks.map(({ encodings }) => JSON.stringify(encodings).includes('RLE_DICTIONARY'))).toEqual(
    chunks.map(() => pays),
  );
});

describe.each(COLUMNS)('%s %s', (name, type, duckType) => {
  it('bounds and null counts in the footer are correct, and exact if short', async () => {
    const bounds = await queryDuckDb(
      `SELECT row_group_id AS g, stats_min_value AS lo, stats_max_value AS hi, stats_null_count AS nulls,
              min_is_exact AS lo_exact, max_is_exact AS hi_exact
       FROM parquet_metadata(${quote(file)}) WHERE path_in_schema = '${name}' ORDER BY g`,
    );
    expect(bounds).toHaveLength(Math.ceil(ROWS / GROUP_ROWS));
    for (const { g, lo, hi, nulls, lo_exact, hi_exact } of bounds) {
      const ordered =
        duckType === 'FLOAT' || duckType === 'DOUBLE' ? `CASE WHEN isnan(${name}) THEN NULL ELSE ${name} END` : name;
      const [real] = await queryDuckDb(
        `SELECT min(v)::VARCHAR AS lo, max(v)::VARCHAR AS hi, count(*) FILTER (raw IS NULL) AS nulls
         FROM (SELECT ${ordered} AS v, ${name} AS raw
               FROM read_parquet(${quote(file)}, file_row_number = true)
               WHERE file_row_number // ${GROUP_ROWS} = ${Number(g)})`,
      );
      expect(nulls).toBe(real!['nulls']);
      // Where there is nothing but NULL there is nothing to bound, and no bound of other values tells of NaN.
      if (real!['lo'] === null || name === 'nans') expect([lo, hi]).toEqual([null, null]);
      // DuckDB doesn't show what is not finite.
      else if (name === 'infinite') expect(await floatBounds(Number(g))).toEqual([-Infinity, Infinity]);
      else if (name === 'zeros') expect([lo, hi]).toEqual(['-0.0', '0.0']);
      else if (name === 'long' || name === 'highest' || name === 'bytes')
        await expectAround(duckType, real!, { lo, hi, lo_exact, hi_exact });
      else expect([lo, hi]).toEqual([real!['lo'], real!['hi']]);
    }
  });

  it('every filter returns the same rows as on the server', async () => {
    const some = await server.query(
      `SELECT DISTINCT ${name}::text AS v FROM measured WHERE ${name} IS NOT NULL ORDER BY 1 LIMIT 1`,
    );
    const rows =
      await server.query(`SELECT ${name}::text AS v FROM (SELECT ${name}, row_number() OVER () AS i FROM measured) s
      WHERE i IN (1, 131499, 131500, ${GROUP_ROWS}, ${GROUP_ROWS + 1}, ${2 * GROUP_ROWS}, ${2 * GROUP_ROWS + 1}, ${ROWS}) AND ${name} IS NOT NULL`);
    const values = new Set([...some, ...rows].map(({ v }) => v as string).concat(EXTRA[name] ?? []));
    const filters = [...values].flatMap((value) =>
      ['=', '<>', '<', '<=', '>', '>='].map((operator) => ({ operator, value })),
    );
    const inServer = filters.map(
      ({ operator, value }) => `count(*) FILTER (WHERE ${name} ${operator} ${quote(value)}::${type})`,
    );
    const [counts] = await server.query(
      `SELECT ${[...inServer, `count(*) FILTER (WHERE ${name} IS NULL)`].map((sql, i) => `${sql}::int AS c${i}`).join(', ')} FROM measured`,
    );
    const wanted = Object.values(counts!).map(Number);

    const conditions = filters.map(({ operator, value }) => `${name} ${operator} ${duckLiteral(value, duckType)}`);
    const found: number[] = [];
    for (const condition of [...conditions, `${name} IS NULL`]) {
      // One query a filter: only what stands in WHERE is pushed down to the bounds.
      const [row] = await queryDuckDb(`SELECT count(*) AS n FROM read_parquet(${quote(file)}) WHERE ${condition}`);
      found.push(Number(row!['n']));
    }
    expect(Object.fromEntries([...conditions, 'IS NULL'].map((c, i) => [c, found[i]]))).toEqual(
      Object.fromEntries([...conditions, 'IS NULL'].map((c, i) => [c, wanted[i]])),
    );
  });
});

async function floatBounds(group: number): Promise<unknown[]> {
  const { row_groups: groups } = await readFooter(file);
  const statistics = groups[group]!.columns[COLUMNS.findIndex(([name]) => name === 'infinite')]!.meta_data?.statistics;
  return [statistics?.min_value, statistics?.max_value];
}

function duckLiteral(value: string, type: string): string {
  if (type === 'BLOB') return `unhex('${value.slice(2)}')`;
  return `${quote(value)}::${type}`;
}

/** A shortened bound lies outside of the values, and says that it is not one of them. */
async function expectAround(
  duckType: string,
  real: Readonly<Record<string, unknown>>,
  bound: { readonly lo: unknown; readonly hi: unknown; readonly lo_exact: unknown; readonly hi_exact: unknown },
): Promise<void> {
  const cast = (text: unknown) => `${quote(text as string)}::${duckType}`;
  const [row] = await queryDuckDb(
    `SELECT ${bound.lo === null ? 'true' : `${cast(bound.lo)} <= ${cast(real['lo'])}`} AS lo,
            ${bound.hi === null ? 'true' : `${cast(bound.hi)} >= ${cast(real['hi'])}`} AS hi`,
  );
  expect(row).toEqual({ lo: true, hi: true });
  if (bound.lo !== null && bound.lo !== real['lo']) expect(bound.lo_exact).not.toBe(true);
  if (bound.hi !== null && bound.hi !== real['hi']) expect(bound.hi_exact).not.toBe(true);
}

describe('page index', () => {
  /** Values as numbers, bigints and bytes, which compare as the format says. */
  const parsers: ParquetParsers = {
    timestampFromMilliseconds: (v) => v,
    timestampFromMicroseconds: (v) => v,
    timestampFromNanoseconds: (v) => v,
    dateFromDays: (v) => v,
    stringFromBytes: (v) => v,
    jsonFromBytes: (v) => v,
    geometryFromBytes: (v) => v,
    geographyFromBytes: (v) => v,
    uuidFromBytes: (v) => v,
  };
  type Value = number | bigint | boolean | Uint8Array;
  const compare = (a: Value, b: Value) =>
    a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) : a < b ? -1 : a > b ? 1 : 0;

  it.each(COLUMNS.map(([name]) => name))(
    'the page index of %s has bounds and null counts for every page',
    async (name) => {
      const bytes = await readFile(file);
      const footer = await readFooter(file);
      const column = COLUMNS.findIndex(([candidate]) => candidate === name);
      const element = footer.schema[column + 1]!;
      const rows = await parquetReadObjects({
        file: await asyncBufferFromFile(file),
        columns: [name],
        compressors,
        utf8: false,
        parsers,
      });
      const values = rows.map((row) => (row as Record<string, Value | null | undefined>)[name] ?? undefined);

      let start = 0;
      let pages = 0;
      for (const group of footer.row_groups) {
        const chunk = group.columns[column]!;
        if (WITHOUT_INDEX.has(name)) {
          expect(chunk.column_index_offset).toBeUndefined();
          expect(chunk.offset_index_offset).toBeDefined();
          continue;
        }
        const view = (offset: bigint | undefined, length: number | undefined) => ({
          view: new DataView(bytes.buffer, bytes.byteOffset + Number(offset), length),
          offset: 0,
        });
        const index = readColumnIndex(view(chunk.column_index_offset, chunk.column_index_length), element, parsers);
        const { page_locations: locations } = readOffsetIndex(
          view(chunk.offset_index_offset, chunk.offset_index_length),
        );
        expect(index.null_pages).toHaveLength(locations.length);
        pages += locations.length;
        for (const [page, { first_row_index: first }] of locations.entries()) {
          const end = locations[page + 1]?.first_row_index ?? group.num_rows;
          const inPage = values.slice(start + Number(first), start + Number(end));
          const present = inPage.filter((value) => value !== undefined);
          const ordered = present.filter((value) => !Number.isNaN(value));
          expect(Number(index.null_counts?.[page])).toBe(inPage.length - present.length);
          expect(index.null_pages[page]).toBe(present.length === 0);
          if (ordered.length === 0) continue;
          // A page of nothing but NaN has no order; its bounds must then let everything through.
          const low = index.min_values[page] as Value;
          const high = index.max_values[page] as Value;
          expect(ordered.some((value) => compare(value, low) < 0 || compare(value, high) > 0)).toBe(false);
        }
        start += Number(group.num_rows);
      }
      if (WITHOUT_INDEX.has(name)) return;
      expect(start).toBe(ROWS);
      expect(pages).toBeGreaterThan(ROWS / GROUP_ROWS + 1);
    },
  );

  it.each([
    ['sorted', [0n, 45_000n, 403_503n, 408_000n, 408_001n]],
    ['random', [0, -2_147_483_000, 2_147_000_000]],
    ['word', ['', '8', 'ffff']],
    ['long', ['😀é'.repeat(20) + '6']],
    ['highest', ['\u{10FFFF}'.repeat(30) + '5']],
    ['nans', [0, 59_999, Infinity]],
    ['zeros', [0, -0]],
    ['gaps', [0, 131_700, 290_000]],
  ] as const)('hyparquet finds all rows of %s by the page index', async (name, constants) => {
    const count = async (filter: object, options: object) =>
      (
        await parquetReadObjects({
          file: await asyncBufferFromFile(shorter),
          compressors,
          columns: [name],
          filter: filter as never,
          filterStrict: false,
          ...options,
        })
      ).length;
    const all = await parquetReadObjects({ file: await asyncBufferFromFile(shorter), compressors, columns: [name] });
    expect(all).toHaveLength(FEWER_ROWS);
    for (const constant of constants) {
      for (const operator of ['$eq', '$lt', '$gte']) {
        const filter = { [name]: { [operator]: constant } };
        const wanted = all.filter((row) => matches((row as Record<string, unknown>)[name], operator, constant)).length;
        expect([constant, operator, await count(filter, { usePageIndex: true, useOffsetIndex: true })]).toEqual([
          constant,
          operator,
          wanted,
        ]);
      }
    }
  });
});

function matches(value: unknown, operator: string, constant: number | bigint | string): boolean {
  if (value === null || value === undefined) return false;
  const comparable = value as number;
  const other = constant as number;
  return operator === '$eq' ? comparable === other : operator === '$lt' ? comparable < other : comparable >= other;
}
