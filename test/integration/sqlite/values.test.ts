import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCliHere } from '../../harness/cli-here.js';
import { temporaryDirectory, type TemporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { saySkipped } from '../../harness/skipped.js';

/*
 * Files that Debian's sqlite3 has made, and every value as it prints it, against the Parquet that DuckDB reads. Each
 * table is read twice: from the file's pages, and by SQLite while a write-ahead log holds a part of the file.
 */

const SHELL = '/usr/bin/sqlite3';
const hasShell = existsSync(SHELL);
if (!hasShell) saySkipped('values of SQLite', 'sqlite3');

const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)';

const TABLES = `
  PRAGMA page_size = 1024;
  CREATE TABLE integers (id INTEGER PRIMARY KEY, tiny TINYINT, big BIGINT, filled INT NOT NULL DEFAULT 7);
  INSERT INTO integers VALUES (1, 0, 9223372036854775807, 1), (2, 1, -9223372036854775808, 2), (3, NULL, NULL, 3),
    (4, 127, 9007199254740993, 4), (5, -128, 140737488355327, 5), (6, 32767, -140737488355328, 6),
    (7, -8388608, 8388607, 7), (8, 2147483647, -2147483648, 8), (-5, 5, 5, 5), (70000, 1, 2, 3);
  ${numbers} INSERT INTO integers SELECT 1000 + i, i % 3, i * 1000003 * 1000003, -i FROM n;
  CREATE TABLE rowids (id INTEGER PRIMARY KEY, v INT);
  INSERT INTO rowids VALUES (-9223372036854775808, 1), (-9007199254740995, 2), (-1, 3), (0, 4), (300, 5),
    (34359738367, 6), (34359738368, 7), (9007199254740991, 8), (9007199254740993, 9), (9223372036854775807, 10);
  CREATE TABLE reals (id INTEGER PRIMARY KEY, r REAL, d DOUBLE PRECISION, price DECIMAL(10,2));
  INSERT INTO reals VALUES (1, 0.1, 3, 12.34), (2, -1e300, 9e999, 5), (3, NULL, -9e999, NULL), (4, 1e15, 123456789012, 0),
    (5, -0.5, 4503599627370497.5, 1e-7);
  CREATE TABLE texts (id INTEGER PRIMARY KEY, t TEXT, v VARCHAR(10) NOT NULL);
  INSERT INTO texts VALUES (1, '', 'a'), (2, NULL, 'ä'), (3, 'a' || char(0) || 'b', '😀'), (4, char(65533), 'e'),
    (5, 'tabs' || char(9) || char(10), '''"'), (6, hex(zeroblob(5000)), 'long'), (7, hex(zeroblob(200000)), 'longer');
  ${numbers} INSERT INTO texts SELECT 100 + i, CASE i % 3 WHEN 0 THEN NULL ELSE 'text ' || i END, hex(zeroblob(i % 400)) FROM n;
  DELETE FROM texts WHERE id % 7 = 0;
  CREATE TABLE blobs (b BLOB, c BLOB);
  INSERT INTO blobs VALUES (x'', x'00ff'), (NULL, zeroblob(3000)), (zeroblob(1), x'0102030405');
  CREATE TABLE booleans (id INTEGER PRIMARY KEY, b BOOLEAN);
  INSERT INTO booleans VALUES (1, TRUE), (2, FALSE), (3, NULL);
  CREATE TABLE dates (id INTEGER PRIMARY KEY, d DATE, u DATETIME, j TIMESTAMP, mixed DATETIME);
  INSERT INTO dates VALUES (1, '2024-02-29', 1700000000, julianday('2024-01-01'), '2024-01-01'), (2, NULL, 0, 2440587.5, 5);
  CREATE TABLE untyped (a, b, c, d, e);
  INSERT INTO untyped VALUES (1, 1.5, 'x', x'aa', 1), (2, 3, 'y', x'', 'two'), (NULL, NULL, NULL, NULL, x'0bad');
  CREATE TABLE added (id INTEGER PRIMARY KEY, a TEXT);
  ${numbers} INSERT INTO added SELECT i, 'row ' || i FROM n;
  ALTER TABLE added ADD COLUMN b TEXT;
  ALTER TABLE added ADD COLUMN c INTEGER NOT NULL DEFAULT 42;
  INSERT INTO added VALUES (5000, 'new', 'b', 1);
  CREATE TABLE "no rowid" (k TEXT, n INTEGER, v REAL, PRIMARY KEY (k, n)) WITHOUT ROWID;
  ${numbers} INSERT INTO "no rowid" SELECT 'k' || (i % 17), i, i / 4.0 FROM n;
  CREATE TABLE generated (id INTEGER PRIMARY KEY, a INT, twice INT GENERATED ALWAYS AS (a * 2) VIRTUAL, kept TEXT AS ('<' || a || '>') STORED);
  INSERT INTO generated (id, a) VALUES (1, 1), (2, NULL), (3, 30);
  CREATE TABLE only_stored (id INTEGER PRIMARY KEY, a INT, kept TEXT AS ('<' || a || '>') STORED);
  INSERT INTO only_stored (id, a) VALUES (1, 1), (2, NULL), (3, 30);
  CREATE TABLE exacting (id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB, a ANY) STRICT;
  INSERT INTO exacting VALUES (1, 5, 5, '5', x'05', 5), (2, NULL, NULL, NULL, NULL, NULL);
  CREATE TABLE taken (rowid TEXT, oid INT);
  INSERT INTO taken VALUES ('a', 1), ('b', 2);
  CREATE TABLE taken_all (rowid TEXT, oid INT, _rowid_ REAL);
  INSERT INTO taken_all VALUES ('a', 1, 1.5);
  CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, v TEXT);
  INSERT INTO descending VALUES (10, 'ten'), (NULL, 'none'), (3, 'three');
  CREATE TABLE "we""ird"" näme" ("se lect" INT, "a.b" TEXT);
  INSERT INTO "we""ird"" näme" VALUES (1, 'x');
  CREATE TABLE empty (id INTEGER PRIMARY KEY, t TEXT);
  CREATE VIEW totals AS SELECT k, count(*) AS n, sum(v) AS total FROM "no rowid" GROUP BY k;
  CREATE VIRTUAL TABLE words USING fts5(body);
  INSERT INTO words VALUES ('some words'), ('more');
`;

/** Slices by a key, which have every row once whatever its key is. */
const KEYS = 'integers:RangeId:big:3;added:Random:id:3;"no rowid":Ntile:k:3;texts:DataDriven:v:2;reals:RangeId:r:2';

interface Variant {
  readonly encoding: string;
  /** A write-ahead log holds a part of the file. */
  readonly hasLog?: boolean;
  /** Tables that are exported; all by default. */
  readonly only?: readonly string[];
}

interface Cell {
  readonly kind: string;
  readonly value: string | number | null;
}

let home: TemporaryDirectory;
beforeAll(async () => {
  home = await temporaryDirectory();
});
afterAll(() => home.remove());

function shell(file: string, sql: string): string {
  return execFileSync(SHELL, ['-batch', file], { input: sql, encoding: 'utf8', maxBuffer: 1 << 28 });
}

/** Cells of a table as the shell prints them: text and blobs in hexadecimal digits. */
function printed(file: string, table: string, columns: readonly string[], encoding: string): Cell[][] {
  const cells = columns.flatMap((name) => {
    const c = `"${name.replaceAll('"', '""')}"`;
    return [
      `typeof(${c})`,
      `CASE WHEN typeof(${c}) IN ('text', 'blob') THEN hex(${c}) WHEN typeof(${c}) = 'real' THEN printf('%!.17g', ${c}) ELSE ${c} END`,
    ];
  });
  const text = shell(
    file,
    `.mode tabs\n.nullvalue NULL\nSELECT ${cells.join(', ')} FROM "${table.replaceAll('"', '""')}";`,
  );
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const fields = line.split('\t');
      return columns.map((_, i) => cell(fields[2 * i] ?? '', fields[2 * i + 1] ?? '', encoding));
    });
}

function cell(kind: string, text: string, encoding: string): Cell {
  if (kind === 'null') return { kind, value: null };
  if (kind === 'text' && encoding !== 'UTF-8') return { kind, value: fromUtf16(text, encoding) };
  return { kind, value: kind === 'real' ? Number(text.replace(/Inf$/, 'Infinity')) : text };
}

async function exported(
  directory: string,
  table: string,
): Promise<{ columns: string[]; types: string[]; rows: (string | number | null)[][] }> {
  // Files keep the columns of texts that directories are named after.
  const files = `${quote(path.join(directory, 'main', table, '**', '*.parquet'))}, hive_partitioning = false`;
  const described = await queryDuckDb(`DESCRIBE SELECT * FROM read_parquet(${files})`);
  const columns = described.map((row) => row['column_name'] as string);
  const types = described.map((row) => row['column_type'] as string);
  const list = columns.map((name, i) => {
    const c = `"${name.replaceAll('"', '""')}"`;
    if (types[i] === 'VARCHAR') return `hex(encode(${c})) AS c${i}`;
    if (types[i] === 'BLOB') return `hex(${c}) AS c${i}`;
    return `${c}::VARCHAR AS c${i}`;
  });
  const rows = await queryDuckDb(`SELECT ${list.join(', ')} FROM read_parquet(${files})`);
  return {
    columns,
    types,
    rows: rows.map((row) =>
      columns.map((_, i) => {
        const value = row[`c${i}`] as string | null;
        if (value === null) return null;
        if (types[i] === 'BOOLEAN') return value === 'true' ? '1' : '0';
        return types[i] === 'DOUBLE' ? Number(value.replace('inf', 'Infinity')) : value;
      }),
    ),
  };
}

/** The shell prints the bytes that the file has. */
function fromUtf16(digits: string, encoding: string): string {
  return hex(new TextDecoder(encoding, { ignoreBOM: true }).decode(Buffer.from(digits, 'hex')));
}

const hex = (text: string) => Buffer.from(text).toString('hex').toUpperCase();

/** What a cell is to become in a column of this type. */
function expected({ kind, value }: Cell, type: string): string | number | null {
  if (value === null) return null;
  if (type === 'DOUBLE') return Number(value);
  // Numbers as text, and blobs as their digits, in a column that holds values of several classes.
  if (type === 'VARCHAR' && kind !== 'text') return hex(String(value));
  return value;
}

function listed(database: DatabaseSyncInstance): string[] {
  const rows = database
    .prepare(
      `SELECT name FROM pragma_table_list
       WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND type IN ('table', 'view', 'virtual')`,
    )
    .all() as { name: string }[];
  expect(rows.length).toBeGreaterThanOrEqual(20);
  return rows.map(({ name }) => name);
}

const sorted = (rows: readonly unknown[][]) => rows.map((row) => JSON.stringify(row)).sort();

async function exportFile(file: string, args: readonly string[] = []) {
  const directory = path.join(home.path, `out-${Math.random().toString(36).slice(2)}`);
  const authFile = await writeAuthFile(home.path, { lite: { ds_type: 'sqlite', info: { filepath: file } } });
  const cli = await runCliHere([
    ...['-a', authFile, '--source-db-auth-id', 'lite', '--output-dir', directory],
    ...['--include-views', '--include-extension-tables', ...args],
  ]);
  return { directory, cli };
}

describe.skipIf(!hasShell)('every value of a file of SQLite', () => {
  test.each([
    ['from the pages of the file', { encoding: 'UTF-8' }],
    ['by SQLite, while a log holds a part of it', { encoding: 'UTF-8', hasLog: true }],
    ['in UTF-16', { encoding: 'UTF-16le', only: ['texts', 'untyped'] }],
    ['in UTF-16 with the greater byte first', { encoding: 'UTF-16be', only: ['texts', 'untyped'] }],
  ])('arrives as the shell prints it, %s', async (name, { encoding, hasLog, only }: Variant) => {
    const file = path.join(home.path, `${name.replaceAll(/\W/g, '-')}.db`);
    shell(file, `PRAGMA encoding = "${encoding}";${TABLES}`);
    const writer = new DatabaseSync(file);
    if (hasLog) writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE late (v INT); INSERT INTO late VALUES (1)');
    const { directory, cli } = await exportFile(file, [
      ...['--parallel', '3', '--large-table-threshold', '1000'],
      ...(hasLog ? ['--table-config', KEYS] : []),
      ...(only ? ['--include', only.join(',')] : []),
    ]);
    expect({ code: cli.code, said: cli.code === 0 ? '' : cli.stderr }).toEqual({ code: 0, said: '' });
    const tables = only ?? listed(writer);
    const directories = readdirSync(path.join(directory, 'main')).filter((name) => !name.endsWith('.json'));
    expect(directories).toHaveLength(tables.length);
    for (const table of tables) {
      // Of the one with a name that is escaped: what is left.
      const own = directories.includes(table) ? table : directories.find((one) => !tables.includes(one));
      const { columns, types, rows } = await exported(directory, own!);
      const cells = printed(file, table, columns, encoding).map((row) =>
        row.map((one, i) => expected(one, types[i] ?? '')),
      );
      expect({ table, rows: sorted(rows) }).toEqual({ table, rows: sorted(cells) });
    }
    writer.close();
  });
});
