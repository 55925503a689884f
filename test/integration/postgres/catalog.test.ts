import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { OptIn } from '../../../src/sources/opt-ins.js';
import type { Source, SourceTable } from '../../../src/sources/source.js';
import { describeTable, findTable, openPostgres } from '../../harness/postgres-source.js';
import { postgresVersions, startPostgres, type PostgresServer } from '../../servers/postgres.js';

describe.each(postgresVersions())('PostgreSQL %d', (version) => {
  let server: PostgresServer;
  let source: Source;

  beforeAll(async () => {
    server = await startPostgres({ version, settings: { autovacuum: 'off' } });
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    await server.query('DROP DATABASE IF EXISTS catalog WITH (FORCE)');
    await server.query('CREATE DATABASE catalog');
    source = await openPostgres(server, { database: 'catalog' });
    return () => source.close();
  });

  const run = (sql: string) => server.query(sql, undefined, 'catalog');
  const list = async (...optIns: OptIn[]) =>
    (await source.listTables()).filter((table) => (table.optIns ?? []).every((one) => optIns.includes(one)));
  const names = (tables: readonly SourceTable[]) => tables.map(({ id }) => `${id.schema}.${id.name}`);

  test("lists a user's tables: no system's, temporary or extension's ones, partitions under their parent", async () => {
    await run(`
      CREATE EXTENSION pg_stat_statements; CREATE EXTENSION file_fdw; CREATE EXTENSION citext;
      CREATE SCHEMA ext; CREATE TABLE ext.owned (a int); ALTER EXTENSION citext ADD TABLE ext.owned;
      CREATE TABLE plain (a int);
      CREATE UNLOGGED TABLE unlogged (a int);
      CREATE TABLE parted (a int) PARTITION BY RANGE (a);
      CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
      CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20) PARTITION BY LIST (a);
      CREATE TABLE parted_2_1 PARTITION OF parted_2 FOR VALUES IN (11);
      CREATE TABLE left_behind PARTITION OF parted FOR VALUES FROM (20) TO (30);
      ALTER TABLE parted DETACH PARTITION left_behind;
      CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent);
      CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE remote (a text) SERVER files OPTIONS (filename '/dev/null');
      CREATE VIEW seen AS SELECT 1 AS a; CREATE MATERIALIZED VIEW made AS SELECT 1 AS a;
      CREATE INDEX ON plain (a); CREATE SEQUENCE counter;
      CREATE SCHEMA "Other ""schema"""; CREATE TABLE "Other ""schema"""."a.b/c ü" (a int)`);
    const client = await server.connect({ database: 'catalog' });
    await client.query('CREATE TEMPORARY TABLE hidden (a int)');

    const tables = await list();
    expect(tables.map(({ id, kind }) => `${id.schema}.${id.name}: ${kind}`)).toEqual([
      'Other "schema".a.b/c ü: table',
      'public.child: table',
      'public.left_behind: table',
      'public.parent: table',
      'public.parted: partitioned table',
      'public.plain: table',
      'public.unlogged: table',
    ]);
    const withViews = await list('views');
    expect(
      withViews.filter((table) => !names(tables).includes(names([table])[0]!)).map(({ id, kind }) => [id.name, kind]),
    ).toEqual([
      ['made', 'materialized view'],
      ['seen', 'view'],
    ]);
    await client.end();
  });

  test('estimates rows and bytes with statistics and without, over all leaves, TOAST included', async () => {
    await run(`
      CREATE TABLE never (a bigint, b bigint, c int);
      INSERT INTO never SELECT i, i, i FROM generate_series(1, 100000) AS i;
      CREATE TABLE analysed (LIKE never); INSERT INTO analysed SELECT * FROM never; ANALYZE analysed;
      CREATE TABLE grown (LIKE never); INSERT INTO grown SELECT * FROM never LIMIT 10000; ANALYZE grown;
      INSERT INTO grown SELECT * FROM never;
      CREATE TABLE empty (a int);
      CREATE TABLE emptied (a int); INSERT INTO emptied SELECT * FROM generate_series(1, 10000); TRUNCATE emptied;
      CREATE TABLE toasted (a text); ALTER TABLE toasted ALTER a SET STORAGE EXTERNAL;
      INSERT INTO toasted SELECT repeat('x', 1000000) FROM generate_series(1, 5);
      CREATE TABLE parted (LIKE never) PARTITION BY RANGE (a);
      CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (50000);
      CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (50000) TO (MAXVALUE) PARTITION BY RANGE (b);
      CREATE TABLE parted_2_1 PARTITION OF parted_2 FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
      INSERT INTO parted SELECT * FROM never; ANALYZE parted_1;
      CREATE VIEW seen AS SELECT * FROM never`);
    const tables = new Map((await list('views')).map((table) => [table.id.name, table]));
    const rows = (name: string) => tables.get(name)!.estimatedRows!;
    expect(rows('analysed')).toBe(100_000);
    expect(rows('grown')).toBeGreaterThan(105_000);
    expect(rows('grown')).toBeLessThan(115_000);
    for (const name of ['never', 'parted']) {
      expect(rows(name)).toBeGreaterThan(80_000);
      expect(rows(name)).toBeLessThan(130_000);
    }
    expect(rows('empty')).toBe(0);
    expect(rows('emptied')).toBe(0);
    expect(tables.get('seen')).toMatchObject({ estimatedRows: undefined, estimatedBytes: undefined });
    expect(tables.get('toasted')!.estimatedBytes).toBeGreaterThan(5_000_000);
    expect(tables.get('parted')!.estimatedBytes).toBeGreaterThanOrEqual(tables.get('never')!.estimatedBytes!);
  });

  test('lists at once while somebody rewrites a table', async () => {
    await run('CREATE TABLE free (a int); CREATE TABLE busy (a int); INSERT INTO busy VALUES (1); ANALYZE busy');
    const writer = await server.connect({ database: 'catalog' });
    await writer.query('BEGIN; LOCK TABLE busy');
    const start = performance.now();
    const tables = await list();
    expect(tables.map(({ id, estimatedRows }) => [id.name, estimatedRows])).toEqual([
      ['busy', 1],
      ['free', 0],
    ]);
    expect(performance.now() - start).toBeLessThan(20_000);
    await writer.end();
  });

  test('columns stand in the order of the table, without dropped ones, by their attribute numbers', async () => {
    await run(`
      CREATE TABLE t (a int, gone int, "B ""x""" text NOT NULL, "ünï" int GENERATED ALWAYS AS IDENTITY,
                      twice int GENERATED ALWAYS AS (a * 2) STORED);
      ALTER TABLE t DROP COLUMN gone; ALTER TABLE t ADD COLUMN late date DEFAULT '2020-01-01' NOT NULL`);
    const columns = await describeTable(source, await findTable(source, 't'));
    expect(columns.map(({ spec, expression }) => [spec.name, spec.fieldId, spec.nullable, expression])).toEqual([
      ['a', 1, true, '"a"'],
      ['B "x"', 3, false, '"B ""x"""'],
      ['ünï', 4, false, '"ünï"'],
      ['twice', 5, true, '"twice"'],
      ['late', 6, false, '"late"'],
    ]);
  });

  test('a column is required only where no member of the table can hold a NULL', async () => {
    await run(`
      CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE remote (a text NOT NULL) SERVER files OPTIONS (filename '/dev/null');
      CREATE VIEW seen AS SELECT 1 AS a;
      CREATE TABLE parted (a int NOT NULL) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF parted DEFAULT;
      CREATE TABLE mixed (a text NOT NULL) PARTITION BY LIST (a);
      CREATE FOREIGN TABLE m1 PARTITION OF mixed DEFAULT SERVER files OPTIONS (filename '/dev/null');
      CREATE TABLE strict (a int NOT NULL); CREATE TABLE strict_child () INHERITS (strict);
      CREATE TABLE lax (a int); CREATE TABLE lax_child () INHERITS (lax)`);
    // Before 18, a child need not keep what its parent declares.
    if (version < 18) await run('ALTER TABLE ONLY lax ALTER a SET NOT NULL');
    else await run('CREATE TABLE unchecked (a int); ALTER TABLE unchecked ADD CONSTRAINT n NOT NULL a NOT VALID');
    const all = await openPostgres(server, { database: 'catalog' }, { inherited: 'include' });
    const nullable = async (name: string, from = all) => {
      const [column] = await describeTable(from, await findTable(from, name));
      return column!.spec.nullable;
    };
    // Its own rows keep it.
    if (version < 18) expect(await nullable('lax', source)).toBe(false);
    expect([await nullable('parted'), await nullable('strict')]).toEqual([false, false]);
    for (const name of ['remote', 'seen', 'mixed', 'lax', ...(version < 18 ? [] : ['unchecked'])]) {
      expect([name, await nullable(name)]).toEqual([name, true]);
    }
    await all.close();
  });

  test('objects of the user that shadow those of the system are no obstacle', async () => {
    await run(`
      CREATE SCHEMA evil;
      CREATE TABLE evil.pg_class (a int); CREATE TABLE evil.pg_attribute (a int); CREATE TYPE evil.text AS (a int);
      CREATE FUNCTION evil.unnest(oid[]) RETURNS SETOF oid LANGUAGE sql AS 'SELECT 1::oid';
      CREATE FUNCTION evil.no(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
      CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.no);
      CREATE TABLE public.t (a inet)`);
    await source.close();
    source = await openPostgres(server, { database: 'catalog', options: { search_path: 'evil, public, pg_catalog' } });
    expect(names(await list())).toEqual(['evil.pg_attribute', 'evil.pg_class', 'public.t']);
    const [column] = await describeTable(source, await findTable(source, 't'));
    expect(column!.expression).toContain(`pg_catalog.format('%s', "a")`);
  });

  test('a partition on its way out is a table of its own already', async () => {
    await run(`
      CREATE TABLE parted (a int) PARTITION BY LIST (a);
      CREATE TABLE stays PARTITION OF parted FOR VALUES IN (1); CREATE TABLE leaves PARTITION OF parted FOR VALUES IN (2);
      INSERT INTO parted VALUES (1), (2), (2)`);
    const user = await server.connect({ database: 'catalog' });
    await user.query('BEGIN; SELECT FROM parted');
    const owner = await server.connect({ database: 'catalog' });
    const detaching = owner.query('ALTER TABLE parted DETACH PARTITION leaves CONCURRENTLY');
    await expect.poll(() => run('SELECT FROM pg_inherits WHERE inhdetachpending'), { timeout: 20_000 }).toHaveLength(1);
    expect(names(await list())).toEqual(['public.leaves', 'public.parted']);
    const table = await findTable(source, 'parted');
    const slices = await source.slice(table, await describeTable(source, table), { degree: 2, largeTableThreshold: 1 });
    expect(slices.map(({ bounds }) => bounds)).toEqual(['public.stays: all rows']);
    await user.end();
    await detaching;
    await owner.end();
  });

  test('names with any characters are found again', async () => {
    const name = `we{i}rd, "n'a\\m\ne" $1 ü \t`;
    await run(
      `CREATE SCHEMA "${name.replaceAll('"', '""')}"; CREATE TABLE "${name.replaceAll('"', '""')}"."${name.replaceAll('"', '""')}" AS SELECT 1 AS "${name.replaceAll('"', '""')}"`,
    );
    const table = await findTable(source, name, name);
    expect((await source.pin([table], { consistency: 'run' })).problems).toEqual([]);
    const columns = await describeTable(source, table);
    const [slice] = await source.slice(table, columns, { degree: 2, largeTableThreshold: 1 });
    expect(await run(slice!.query)).toEqual([{ [name]: 1 }]);
  });

  test('tables that are gone, without columns or not for this user are problems of their own', async () => {
    await run(`
      CREATE TABLE fine (a int); CREATE TABLE bare (); CREATE TABLE secret (a int); CREATE TABLE partly (a int, b int);
      CREATE SCHEMA closed; CREATE TABLE closed.t (a int);
      CREATE TABLE policed (a int); ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
      DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader';
      GRANT SELECT ON fine, bare, policed TO reader; GRANT SELECT (a) ON partly TO reader`);
    await source.close();
    source = await openPostgres(server, { database: 'catalog', username: 'reader', password: 'reader' });
    const tables = await list();
    const all = [...tables, { ...tables[0]!, id: { schema: 'public', name: 'missing' } }];
    const answers = await source.describe(all, { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' });
    const outcome = answers.map((answer, index) => [
      names(all)[index],
      'error' in answer ? answer.error.code : answer.columns.length,
    ]);
    expect(outcome).toEqual([
      ['closed.t', 'TABLE_PERMISSION_DENIED'],
      ['public.bare', 'TABLE_WITHOUT_COLUMNS'],
      ['public.fine', 1],
      ['public.partly', 'TABLE_PERMISSION_DENIED'],
      ['public.policed', 'TABLE_ROW_SECURITY'],
      ['public.secret', 'TABLE_PERMISSION_DENIED'],
      ['public.missing', 'TABLE_NOT_FOUND'],
    ]);
    const partly = answers[3]!;
    expect('error' in partly && partly.error.message).toContain('b');
    await source.close();
    source = await openPostgres(server, {
      database: 'catalog',
      username: 'reader',
      password: 'reader',
      options: { row_security: 'on' },
    });
    expect(await describeTable(source, await findTable(source, 'policed'))).toHaveLength(1);
    await source.close();
    await run('DROP OWNED BY reader; DROP ROLE reader');
  });
});
