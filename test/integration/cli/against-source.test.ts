import path from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { VerifyDocument } from '../../../src/cli/reports/verify-schema.js';
import { postgresEntry, writeAuthFile } from '../../harness/cli.js';
import { runCliHere } from '../../harness/cli-here.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** `lakeport verify --against-source`, on exports with everything that changes what their files hold. */

const scratch = new ScratchDirectory();
const OUT = path.join(scratch.path, 'out');
let server: PostgresServer;
let auth: string;
let runId: string;

const ENVIRONMENT = { XDG_STATE_HOME: scratch.path, SALT: 'a long random text', OTHER_SALT: 'another' };
const lakeport = (...args: readonly string[]) => runCliHere(args, { env: ENVIRONMENT });

async function compared(...args: readonly string[]): Promise<VerifyDocument> {
  const { stdout, stderr } = await lakeport('verify', ...args, '--against_source', '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as VerifyDocument;
}

const tableOf = ({ tables }: VerifyDocument, name: string) => tables.find(({ table }) => table === name)!;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE people (id int PRIMARY KEY, name text, mail text, phone text, pin text, salary numeric, born date,
      seen timestamptz, tags int[], note char(8));
    INSERT INTO people SELECT i, CASE WHEN i % 9 > 0 THEN 'Name ' || (i % 40) END, 'm' || i || '@x.org', lpad(i::text, 9, '0'), 'p' || i,
      i * 1.25, date '1950-01-01' + i, timestamptz '2024-01-01 00:00+00' + i * interval '1 minute', ARRAY[i, NULL, i % 3], 'n' || (i % 5)
      FROM generate_series(1, 3000) i;
    UPDATE people SET born = 'infinity' WHERE id IN (7, 1000);
    CREATE TABLE sales (id int, year int, amount numeric(12,2));
    INSERT INTO sales SELECT i, 2020 + i % 3, i / 100.0 FROM generate_series(1, 600) i;
    CREATE TABLE drawn (id int);
    INSERT INTO drawn SELECT generate_series(1, 100);
    CREATE TABLE balances (id int, amount numeric(12,2));
    INSERT INTO balances SELECT i, i FROM generate_series(1, 100) i;
    CREATE TABLE gone (id int);
    CREATE VIEW seen_people AS SELECT id, name FROM people WHERE id < 50`);
  auth = await writeAuthFile(scratch.path, {
    ds_pg: postgresEntry(server),
    down: {
      ...postgresEntry(server),
      info: { server: '127.0.0.1', port: 1, database: 'x', username: 'x', password: 'x', connect_timeout: 1 },
    },
    lite: { ds_type: 'sqlite', auth_mode: 'filesystem', info: { filepath: path.join(scratch.path, 'x.db') } },
  });
  const { stdout, stderr } = await lakeport(
    ...['-a', auth, '--source_db_auth_id', 'ds_pg', '--output_dir', OUT, '--json', '--include_views'],
    ...[
      '--mask',
      'people:mail:hash',
      '--mask',
      'people:phone:partial(2,1)',
      '--mask',
      'people:pin:null',
      '--mask_salt',
      '$env{SALT}',
    ],
    ...['--where', 'people:id > 3', '--exclude_columns', 'people:id', '--on_unrepresentable', 'null'],
    ...['--unbounded_numeric', 'decimal(20,4)', '--arrays', 'json', '--column_type', 'people.seen:timestamp(ns)'],
    ...[
      '--partition_by',
      'sales:year',
      '--sample',
      'drawn:10',
      '--query',
      'few=SELECT id, name FROM people WHERE id < 20',
    ],
    ...['--add_column', 'run=run_id', '--encoding', 'compact'],
  );
  const document = JSON.parse(stdout) as { run_id: string; exit_code: number };
  if (document.exit_code !== 0) throw new Error(stderr);
  runId = document.run_id;
}, 120_000);

afterAll(async () => {
  scratch.remove();
  await server.stop();
});

describe('an export of what the database still has', () => {
  it('is compared column by column: masks, conditions, queries, types by hand, values written as NULL', async () => {
    const document = await compared(runId, '-a', auth, '--mask_salt', '$env{SALT}');
    expect(document.differences).toEqual([]);
    expect(document).toMatchObject({ exit_code: 0, against_source: true, sources: [{ database: server.database }] });
    expect(tableOf(document, 'people').source).toEqual({
      compared: true,
      compared_columns: 9,
      counts_only: [],
      notes: ['columns that the files do not have: id'],
    });
    expect(tableOf(document, 'few').source).toMatchObject({ compared: true, compared_columns: 2 });
    expect(tableOf(document, 'seen_people').source).toMatchObject({ compared: true, compared_columns: 2 });
    expect(tableOf(document, 'sales').source).toMatchObject({
      ...{ compared: true, compared_columns: 2 },
      notes: ['not compared, as names of directories say their values: year'],
    });
    expect(tableOf(document, 'drawn').source).toMatchObject({
      compared: false,
      reason: expect.stringContaining('sample') as string,
    });
  });

  it('is compared by its path too, and by NULLs alone where the salt of a mask is not known', async () => {
    const document = await compared(OUT, '-a', auth);
    expect(document).toMatchObject({ exit_code: 0, differences: [] });
    expect(tableOf(document, 'people').source!.counts_only).toEqual([
      { column: 'mail', reason: 'its mask hash needs the salt of the export' },
    ]);
  });

  it('is not compared by another salt', async () => {
    const document = await compared(runId, '-a', auth, '--mask_salt', '$env{OTHER_SALT}');
    expect(document).toMatchObject({ exit_code: 0, differences: [] });
    expect(tableOf(document, 'people').source!.counts_only).toMatchObject([{ column: 'mail' }]);
  });
});

describe('a source', () => {
  it('that is down is an error', async () => {
    expect(await compared(OUT, '-a', auth, '--source_db_auth_id', 'down')).toMatchObject({
      ...{ exit_code: 4, error: { code: expect.stringMatching(/^SOURCE_/) as string } },
    });
  });

  it('that is not known is a mistake', async () => {
    expect(await compared(OUT)).toMatchObject({ exit_code: 2, error: { code: 'MISSING_FLAG' } });
  });

  it('of another kind is not compared', async () => {
    new DatabaseSync(path.join(scratch.path, 'x.db')).exec('CREATE TABLE sales (id)');
    const document = await compared(path.join(OUT, 'public/sales'), '-a', auth, '--source_db_auth_id', 'lite');
    expect(document).toMatchObject({ exit_code: 0, differences: [] });
    expect(tableOf(document, 'sales').source).toMatchObject({
      ...{ compared: false, reason: 'it was exported from postgres, and lite is sqlite' },
    });
  });
});

describe('a table that has changed since', () => {
  it('is told with what differs, and that it was written to', async () => {
    await server.query(`
      UPDATE balances SET amount = amount + CASE id WHEN 40 THEN 5 ELSE -5 END WHERE id IN (40, 70);
      UPDATE people SET name = 'Name 41' WHERE id = 50;
      UPDATE people SET born = '2000-01-01' WHERE id = 7;
      UPDATE people SET phone = '99' || phone WHERE id = 60;
      ALTER TABLE people DROP COLUMN note;
      ALTER TABLE people ADD COLUMN note2 text;
      DELETE FROM sales WHERE id > 590;
      DROP TABLE gone`);
    const document = await compared(runId, '-a', auth, '--mask_salt', '$env{SALT}');
    const found = (name: string) =>
      document.differences
        .filter(({ table }) => table === name)
        .map(({ check, expected }) => `${check} ${String(expected)}`);
    // Neither sum, min nor max has changed.
    expect(found('balances')).toEqual([expect.stringMatching(/^source_hash amount: /)]);
    expect(tableOf(document, 'balances').source!.change).toEqual({
      ...{ kind: 'changed', text: "2 of its rows were written after the export's snapshot" },
    });
    expect(found('people')).toEqual([
      'source note: none: it was dropped or renamed',
      expect.stringMatching(/^source_hash name: /),
      expect.stringMatching(/^source_max phone: 99\*\*\*0/),
      'source_nulls born: 1 NULLs',
      'source_nulls born: 1 values that cannot be written',
      'source_max born: 10957',
    ]);
    expect(found('sales')).toContain('source_rows 590');
    expect(tableOf(document, 'sales').source!.change).toMatchObject({
      kind: 'unchanged',
      text: expect.stringContaining('deleted') as string,
    });
    expect(found('gone')).toEqual(['source the table in the database']);
    expect(document.exit_code).toBe(3);
  });

  it('is listed, with the reasons', async () => {
    const { code, stdout } = await lakeport('verify', OUT, '--against_source', '-a', auth);
    expect(code).toBe(3);
    expect(stdout).toMatch(/\nsource_hash +amount: [0-9a-f]{16} +amount: [0-9a-f]{16} /);
    expect(stdout).toContain(
      "public.balances: the source has changed since the export: 2 of its rows were written after the export's snapshot\n",
    );
    expect(stdout).toContain('public.drawn: not compared with the source: its files hold a sample');
  });

  it('may not be readable any more', async () => {
    await server.query(`CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT SELECT ON sales TO reader`);
    const reader = await writeAuthFile(scratch.path, {
      ds_pg: postgresEntry(server, { username: 'reader', password: 'r' }),
    });
    const document = await compared(path.join(OUT, 'public/balances'), '-a', reader);
    expect(document.differences).toMatchObject([
      { check: 'source', found: expect.stringMatching(/permission|privilege|may not/i) as string },
    ]);
  });
});
