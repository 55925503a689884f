import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { SyncedLake } from '../../harness/synced-lake.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** Syncs by a column that grows, from PostgreSQL. */

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** A schema of its own with one table. */
async function lakeOf(schema: string, table: string, cursor: string): Promise<SyncedLake> {
  await server.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.${table}`);
  const name = table.slice(0, table.indexOf(' '));
  return SyncedLake.of(server, schema, ['--incremental_table', `${schema}.${name}:${cursor}`]);
}

describe('a table that is synced by a column', () => {
  it('gets the rows between two watermarks, each once, and the manifest says which', async () => {
    const lake = await lakeOf('s1', 't (id int PRIMARY KEY, at timestamptz NOT NULL)', 'at:timestamp');
    await server.query(`INSERT INTO s1.t SELECT i, '2026-01-01'::timestamptz + i * interval '1 s' FROM generate_series(1, 5) i;
      CREATE INDEX ON s1.t (at)`);
    const plan = JSON.parse(
      (
        await lake.user.run(
          'plan',
          '-a',
          'auth.json',
          '--source_db_auth_id',
          'ds_pg',
          '--output_dir',
          'out',
          '--json',
          ...lake.flags,
        )
      ).stdout,
    ) as { tables: { sync: unknown }[] };
    expect(plan.tables[0]?.sync).toMatchObject({
      number: 1,
      kind: 'full',
      lower: null,
      upper: '2026-01-01 00:00:05+00',
      is_indexed: true,
    });
    expect(await lake.syncOne()).toMatchObject({ rows: 5, sync: { number: 1, kind: 'full', lower: null } });

    await server.query(`INSERT INTO s1.t VALUES (6, '2026-01-01 00:00:06.000001+00'), (7, '2026-01-01 02:00:06+02');
      UPDATE s1.t SET at = '2026-01-01 00:00:05.5+00' WHERE id = 1`);
    expect(await lake.syncOne()).toMatchObject({
      rows: 3,
      sync: { number: 2, kind: 'increment', lower: '2026-01-01 00:00:05+00', upper: '2026-01-01 00:00:06.000001+00' },
    });
    expect(await lake.numbers('t')).toEqual([1, 1, 2, 3, 4, 5, 6, 7]);
    expect(lake.names('t')).toEqual(['_SUCCESS', 'part-00001-00000.parquet', 'part-00002-00000.parquet']);
    // Nothing new: no file, and the watermark stays.
    expect(await lake.syncOne()).toMatchObject({ rows: 0, files: 0, sync: { number: 3 } });
    const { incremental, files, row_count: rows, columns } = lake.manifest('t');
    expect(incremental).toMatchObject({ watermark: '2026-01-01 00:00:06.000001+00', last_number: 3 });
    expect(incremental.syncs.map(({ kind, row_count: count }) => [kind, count])).toEqual([
      ['full', 5],
      ['increment', 3],
      ['increment', 0],
    ]);
    expect([rows, files.map(({ sync }) => sync), columns.map(({ null_count: nulls }) => nulls)]).toEqual([
      8,
      [1, 2],
      [0, 0],
    ]);

    const verified = await lake.user.run('verify', path.join('out', 's1'));
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    rmSync(path.join(lake.directory('t'), 'part-00001-00000.parquet'));
    expect(await lake.syncOne()).toMatchObject({ error: { code: 'SYNC_FILES_MISSING' } });
    expect(await lake.syncOne('--reset-watermarks')).toMatchObject({ rows: 7, sync: { kind: 'full' } });
    expect(await lake.numbers('t')).toEqual([1, 2, 3, 4, 5, 6, 7]);
    // An export without syncs replaces everything, and the next sync begins anew.
    await server.query('DELETE FROM s1.t WHERE id > 3');
    expect((await lake.user.export('--source_schema_name', 's1')).code).toBe(0);
    expect(lake.names('t')).toEqual(['_SUCCESS', 'part-00000.parquet']);
    expect(await lake.numbers('t')).toEqual([1, 2, 3]);
    expect(await lake.syncOne()).toMatchObject({ rows: 3, sync: { number: 5, kind: 'full' } });
  });

  it('fails where the lake is behind the run log: it was removed, or put back to an earlier state', async () => {
    const lake = await lakeOf('s9', 't (id int)', 'id:integer');
    await server.query('INSERT INTO s9.t VALUES (1)');
    await lake.sync();
    const first = readFileSync(lake.manifestPath('t'));
    await server.query('INSERT INTO s9.t VALUES (2)');
    await lake.sync();
    writeFileSync(lake.manifestPath('t'), first);
    const behind = { state: 'failed', error: { code: 'SYNC_BEHIND_LOG' } };
    expect(await lake.syncOne()).toMatchObject(behind);
    rmSync(lake.manifestPath('t'));
    expect(await lake.syncOne()).toMatchObject(behind);
    expect(await lake.syncOne('--reset-watermarks')).toMatchObject({ rows: 2, sync: { kind: 'full' } });
    expect(await lake.numbers('t')).toEqual([1, 2]);
    expect(await lake.syncOne()).toMatchObject({ rows: 0, state: 'completed' });
  });

  it('takes equal values again with :i, begins at @START, and reads back by the safety lag', async () => {
    const lake = await lakeOf('s2', 't (id int, day date NOT NULL)', 'day:date:i@2026-01-03');
    await server.query(`INSERT INTO s2.t SELECT i, '2026-01-01'::date + i - 1 FROM generate_series(1, 5) i`);
    expect(await lake.syncOne()).toMatchObject({ rows: 3, sync: { lower: '2026-01-03', upper: '2026-01-05' } });
    await server.query(`INSERT INTO s2.t VALUES (10, '2026-01-05'), (11, '2026-01-04')`);
    expect(await lake.syncOne()).toMatchObject({ rows: 2, sync: { lower: '2026-01-05' } });
    expect(await lake.numbers('t')).toEqual([3, 4, 5, 5, 10]);
    // A day before the watermark, to which two rows belong.
    expect(await lake.syncOne('--incremental_safety_lag', '86400')).toMatchObject({
      rows: 4,
      sync: { lower: '2026-01-04 00:00:00', upper: '2026-01-05' },
    });
  });

  it('reads nothing below a start that is beyond all rows', async () => {
    const lake = await lakeOf('s10', 't (id int)', 'id:integer@100');
    await server.query('INSERT INTO s10.t VALUES (1), (2)');
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { lower: '100', upper: '100' } });
    await server.query('INSERT INTO s10.t VALUES (3), (101)');
    expect(await lake.syncOne()).toMatchObject({ rows: 1 });
    expect(await lake.numbers('t')).toEqual([101]);
  });

  it('never moves its watermark back, and begins where there was nothing', async () => {
    const lake = await lakeOf('s3', 't (id bigint)', 'id:integer');
    expect(await lake.syncOne()).toMatchObject({ rows: 0, files: 1, sync: { upper: null } });
    await server.query('INSERT INTO s3.t SELECT generate_series(1, 9)');
    expect(await lake.syncOne('--incremental_nulls', 'fail')).toMatchObject({
      rows: 9,
      sync: { lower: null, upper: '9' },
    });
    await server.query('DELETE FROM s3.t WHERE id > 4; INSERT INTO s3.t VALUES (6)');
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { lower: '9', upper: '9' } });
    await server.query('INSERT INTO s3.t VALUES (9223372036854775807)');
    expect(await lake.syncOne()).toMatchObject({ rows: 1, sync: { upper: '9223372036854775807' } });
    expect(await lake.query('t', 'count(*)::INTEGER AS n, max(id)::VARCHAR AS most')).toEqual([
      { n: 10, most: '9223372036854775807' },
    ]);
  });

  it('fails for rows without a value, with their number, unless the first sync is to take them', async () => {
    const lake = await lakeOf('s4', 't (id int, at timestamp)', 'at:datetime');
    await server.query(`INSERT INTO s4.t VALUES (1, '2026-01-01'), (2, NULL), (3, 'infinity'), (4, '-infinity')`);
    expect(await lake.syncOne()).toMatchObject({
      error: { code: 'CURSOR_NULL', message: expect.stringContaining('2 rows have no value in at') as string },
    });
    const include = ['--incremental_nulls', 'include', '--on_unrepresentable', 'null'];
    expect(await lake.syncOne(...include)).toMatchObject({ rows: 4, sync: { nulls: 2, upper: '2026-01-01 00:00:00' } });
    await server.query(`INSERT INTO s4.t VALUES (5, NULL), (6, '2026-01-02')`);
    expect(await lake.syncOne(...include)).toMatchObject({ rows: 1, sync: { nulls: 3 } });
    expect(await lake.numbers('t')).toEqual([1, 2, 3, 4, 6]);
  });

  it('fails with a reason where the column does not fit, and leaves the other tables alone', async () => {
    const lake = await lakeOf('s5', 't (id int, name text, v float8, n numeric)', 'name:timestamp');
    await server.query(`CREATE TABLE s5.other AS SELECT 1 AS a; INSERT INTO s5.t VALUES (1, 'x', 1, 'NaN')`);
    const errorOf = async (cursor: string) => {
      const tables = await lake
        .run('--incremental_table', `t:${cursor}`)
        .then(
          ({ stdout }) =>
            JSON.parse(stdout) as { tables: { table: string; state: string; error?: { code: string } }[] },
        );
      expect(tables.tables.find(({ table }) => table === 'other')?.state).toBe('completed');
      return tables.tables.find(({ table }) => table === 't')?.error?.code;
    };
    expect(await errorOf('name:timestamp')).toBe('CURSOR_TYPE');
    expect(await errorOf('v:integer')).toBe('CURSOR_TYPE');
    expect(await errorOf('id:date')).toBe('CURSOR_TYPE');
    expect(await errorOf('nothing:date')).toBe('CURSOR_UNKNOWN');
    expect(await errorOf('id:integer@five')).toBe('CURSOR_VALUE');
    expect(await errorOf('id:rowversion')).toBe('CURSOR_NOT_POSSIBLE');
    expect(await errorOf('n:integer')).toBe('CURSOR_NULL');
    const wrong = async (...flags: string[]) => (await lake.run(...flags)).code;
    expect(await wrong('--incremental_table', 'nobody:id:integer')).toBe(2);
    expect(await wrong('--incremental_table', 't:id:number')).toBe(2);
    expect(await wrong('--incremental_table', 't:xmin@5')).toBe(2);
    expect(await wrong('--incremental_table', 't:id:integer!replace')).toBe(2);
    expect(await wrong('--incremental_table', 't:id:integer', '--manifest', 'none')).toBe(2);
    expect(await wrong('--incremental_table', 't:id:integer', '--sample', 't:5')).toBe(2);
    // Synced by one column, and then by another.
    expect(await errorOf('id:integer')).toBeUndefined();
    expect(await errorOf('n:integer')).toBe('CURSOR_CHANGED');
  });

  it('reads what it is asked for: conditions, chosen columns, queries, views, names with quotes, directories', async () => {
    await server.query(`CREATE SCHEMA s6;
      CREATE TABLE s6."a ""b" (id int, "C'c" timestamptz NOT NULL, kind text);
      INSERT INTO s6."a ""b" SELECT i, '2026-01-01'::timestamptz + i * interval '1 h', CASE WHEN i % 2 = 0 THEN 'x' ELSE 'y' END
        FROM generate_series(1, 40) i;
      CREATE VIEW s6.v AS SELECT * FROM s6."a ""b"`);
    const lake = await SyncedLake.of(server, 's6', [
      ...['--include_views', '--where', "a%:kind = 'x'", '--columns', 'a%:id,kind', '--partition_by', `a%:kind`],
      ...['--query', 's6.q=SELECT id AS n FROM s6.v', '--incremental_table', `"a ""b":"C'c":timestamp`],
      ...['--incremental_table', `v:"C'c":datetime`, '--incremental_table', 'q:n:integer'],
    ]);
    const rows = (tables: readonly { table: string; rows: number }[]) =>
      Object.fromEntries(tables.map(({ table, rows: count }) => [table, count]));
    expect(rows(await lake.sync())).toEqual({ 'a "b': 20, v: 40, q: 40 });
    await server.query(
      `INSERT INTO s6."a ""b" VALUES (41, '2026-02-01', 'x'), (42, '2026-02-02', 'y'), (43, '2026-02-03', 'x')`,
    );
    expect(rows(await lake.sync())).toEqual({ 'a "b': 2, v: 3, q: 3 });
    const errors = async (...flags: string[]) =>
      (
        JSON.parse((await lake.run(...flags)).stdout) as { tables: { table: string; error?: { code: string } }[] }
      ).tables
        .filter(({ error }) => error !== undefined)
        .map(({ table, error }) => `${table}: ${error?.code ?? ''}`);
    expect(await errors('--where', 'v:id > 0')).toEqual(['v: SYNC_ROWS_CHANGED']);
    expect(await errors('--mask', 'v:kind:null')).toEqual(['v: SYNC_SCHEMA_CHANGED']);
    expect(await lake.query('q', 'count(*)::INTEGER AS n, count(DISTINCT n)::INTEGER AS d')).toEqual([
      { n: 43, d: 43 },
    ]);
    expect(lake.manifest('a "b').files.map(({ name }) => name)).toEqual([
      'kind=x/part-00001-00000.parquet',
      'kind=x/part-00002-00000.parquet',
    ]);
  });

  it('reads a large first sync with several readers, and a small one with one, by the index', async () => {
    const lake = await lakeOf('s7', 't (id int PRIMARY KEY, at timestamptz NOT NULL)', 'at:timestamp');
    await server.query(`INSERT INTO s7.t SELECT i, '2026-01-01'::timestamptz + i * interval '1 s' FROM generate_series(1, 300000) i;
      CREATE INDEX ON s7.t (at); ANALYZE s7.t`);
    const slices = ['-p', '2', '--large_table_threshold', '1000'];
    expect(await lake.syncOne(...slices)).toMatchObject({
      rows: 300_000,
      files: expect.toSatisfy((n: number) => n > 1) as number,
    });
    await server.query(
      `INSERT INTO s7.t SELECT i, '2026-02-01'::timestamptz + i * interval '1 s' FROM generate_series(300001, 300100) i`,
    );
    expect(await lake.syncOne(...slices)).toMatchObject({ rows: 100, files: 1 });
    expect(await lake.query('t', 'count(*)::INTEGER AS n, count(DISTINCT id)::INTEGER AS d')).toEqual([
      { n: 300_100, d: 300_100 },
    ]);
  });

  it('says when the columns have changed, and does what it is told', async () => {
    const lake = await lakeOf('s8', 't (id int, a int, b text)', 'id:integer');
    await server.query(`INSERT INTO s8.t VALUES (1, 1, 'b')`);
    await lake.sync();
    await server.query(`ALTER TABLE s8.t DROP COLUMN b, ADD COLUMN c text; INSERT INTO s8.t VALUES (2, 2, 'c')`);
    const failed = await lake.syncOne();
    expect(failed.error).toMatchObject({
      code: 'SYNC_SCHEMA_CHANGED',
      hint: expect.stringContaining('--on-schema-change') as string,
    });
    expect(failed.error?.message).toMatch(/c is new .*; b is gone/);
    expect(await lake.syncOne('--on_schema_change', 'evolve')).toMatchObject({
      rows: 1,
      sync: { schema_changes: [expect.stringContaining('c is new'), expect.stringContaining('b is gone')] },
    });
    expect(await lake.query('t', 'id, a, b, c')).toEqual([
      { id: 1, a: 1, b: 'b', c: null },
      { id: 2, a: 2, b: null, c: 'c' },
    ]);
    expect(
      lake
        .manifest('t')
        .columns.map(({ name, nullable, null_count: nulls, added_in: since, dropped_in: until }) => [
          name,
          nullable,
          nulls,
          since,
          until,
        ]),
    ).toEqual([
      ['id', true, 0, undefined, undefined],
      ['a', true, 0, undefined, undefined],
      ['c', true, 1, 2, undefined],
      ['b', true, 1, undefined, 2],
    ]);
    const verified = await lake.user.run('verify', path.join('out', 's8'), '--deep');
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    await server.query(`ALTER TABLE s8.t ALTER COLUMN a TYPE bigint; INSERT INTO s8.t VALUES (3, 3, 'c')`);
    expect((await lake.syncOne('--on_schema_change', 'evolve')).error?.message).toContain('a was INT32 and is INT64');
    expect(await lake.syncOne('--on_schema_change', 'full')).toMatchObject({
      rows: 3,
      sync: { kind: 'full', full_because: expect.stringContaining('a was INT32') as string },
    });
    expect(lake.names('t')).toEqual(['_SUCCESS', 'part-00003-00000.parquet']);
  });
});
