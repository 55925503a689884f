import path from 'node:path';
import { writeFile } from 'node:fs/promises';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCliHere } from '../../harness/cli-here.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import { TestDatabase } from '../../servers/tds/test-database.js';

/* `--sort-by` on SQLite and SQL Server, whose collations and NULLs order otherwise than PostgreSQL's. */

const ROWS = 4000;
const GROUP = 500;

let scratch: ScratchDirectory;
let database: TestDatabase;
let tds: TdsServer;
let authFile: string;

/** All over the values, some of which are NULL; text in both cases. */
const rowOf = (i: number) => {
  const n = (i * 7919) % ROWS;
  const word = (n % 2 === 0 ? 'word' : 'Word') + String(n).padStart(5, '0');
  const day = new Date(n * 86_400_000).toISOString().slice(0, 10);
  const uuid = `${String(n % 7)}${'0'.repeat(7)}-0000-4000-8000-${String(n).padStart(12, '0')}`;
  return { id: i, whole: n % 10 === 0 ? null : n, word, real: n / 8, day, uuid };
};

beforeAll(async () => {
  scratch = new ScratchDirectory();
  const rows = Array.from({ length: ROWS }, (_, i) => rowOf(i));
  const file = path.join(scratch.path, 'lite.db');
  const lite = new DatabaseSync(file);
  lite.exec(
    'CREATE TABLE t (id INTEGER PRIMARY KEY, whole INT, word TEXT COLLATE NOCASE, real REAL, day DATE, uuid TEXT); BEGIN',
  );
  const insert = lite.prepare('INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)');
  for (const row of rows) insert.run(...Object.values(row));
  lite.exec('COMMIT');
  lite.close();
  database = await TestDatabase.create([
    {
      name: 't',
      columns: [
        { name: 'id', type: 'int', nullable: false },
        { name: 'whole', type: 'int' },
        { name: 'word', type: 'nvarchar(20)' },
        { name: 'real', type: 'float' },
        { name: 'day', type: 'date' },
        { name: 'uuid', type: 'uniqueidentifier' },
      ],
      rows: rows.map((row) => Object.values(row)),
    },
  ]);
  tds = await startTdsServer({ handler: database.handler });
  authFile = path.join(scratch.path, 'auth.json');
  const { port, user: username, password } = tds;
  const info = { server: 'localhost', port, database: 'shop', username, password, encrypt: false };
  const entries = {
    lite: { ds_type: 'sqlite', info: { filepath: file } },
    ms: { ds_type: 'mssql', auth_mode: 'classic', info },
  };
  await writeFile(authFile, JSON.stringify(entries), { mode: 0o600 });
});
afterAll(async () => {
  await tds.stop();
  database.close();
  scratch.remove();
});

interface Sorted {
  /** Values in the order of the file. */
  readonly values: readonly (string | number | null)[];
  /** Row groups in which a reader has to look for one value. */
  readonly groupsWithOne: number;
  readonly groups: number;
}

async function sortedBy(source: string, schema: string, sortBy: string): Promise<Sorted> {
  const [column = ''] = sortBy.split(' ');
  const out = path.join(scratch.path, `${source}-${sortBy.replaceAll(/\W+/g, '-')}`);
  const { code, stderr } = await runCliHere([
    ...[
      '-a',
      authFile,
      '--source-db-auth-id',
      source,
      '--output-dir',
      out,
      '-p',
      '1',
      '--row-group-rows',
      String(GROUP),
    ],
    ...['--sort-by', `t:${sortBy}`],
  ]);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const files = quote(path.join(out, schema, 't', '*.parquet'));
  const values = await queryDuckDb(
    `SELECT ${column} AS v FROM read_parquet(${files}, file_row_number = true) ORDER BY file_row_number`,
  );
  const groups = await queryDuckDb(
    `SELECT stats_min_value AS least, stats_max_value AS most FROM parquet_metadata(${files})
     WHERE path_in_schema = '${column}' ORDER BY row_group_id`,
  );
  const asKey = (value: unknown) => (/^(?:whole|real)$/.test(column) ? Number(value) : String(value));
  const one = asKey(groups[3]?.['least']);
  const withOne = groups.filter(({ least, most }) => asKey(least) <= one && one <= asKey(most));
  return {
    values: values.map(({ v }) => v as string | number | null),
    groupsWithOne: withOne.length,
    groups: groups.length,
  };
}

describe.each([
  ['lite', 'main'],
  ['ms', 'dbo'],
])('%s', (source, schema) => {
  test.each(['whole', 'whole DESC', 'word', 'real', 'day', 'uuid'])(
    'rows are in the order of %s, and statistics leave few row groups for one value',
    async (sortBy) => {
      const { values, groupsWithOne, groups } = await sortedBy(source, schema, sortBy);
      expect(groups).toBe(ROWS / GROUP);
      expect(groupsWithOne).toBeLessThanOrEqual(2);
      const column = sortBy.replace(' DESC', '') as keyof ReturnType<typeof rowOf>;
      const isNumber = column === 'whole' || column === 'real';
      const given = values.filter((value) => value !== null).map((value) => (isNumber ? Number(value) : String(value)));
      const order = given.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      expect(given).toEqual(sortBy.endsWith('DESC') ? order.toReversed() : order);
      // NULL is the least of values.
      const nulls = values.length - given.length;
      const end = sortBy.endsWith('DESC') ? values.slice(-nulls) : values.slice(0, nulls);
      if (nulls > 0) expect(new Set(end)).toEqual(new Set([null]));
      expect(values).toHaveLength(ROWS);
    },
  );
});
