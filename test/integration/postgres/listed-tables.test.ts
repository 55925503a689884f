import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runExportHere as runExportHere } from '../../harness/export-run.js';
import { planDocument, planText } from '../../harness/plan-document.js';
import { postgresVersions, type PostgresServer, startPostgres } from '../../servers/postgres.js';

/* What of a database is exported by itself, what must be asked for, and what is said of the rest. */

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ version: postgresVersions()[0]! });
  await server.query(`
    CREATE TABLE plain AS SELECT 1 AS i;
    CREATE VIEW seen AS SELECT * FROM plain;
    CREATE TABLE parted (i int) PARTITION BY LIST (i);
    CREATE TABLE parted_low PARTITION OF parted FOR VALUES IN (1) PARTITION BY LIST (i);
    CREATE TABLE parted_low_1 PARTITION OF parted_low DEFAULT; CREATE SEQUENCE counter;
    CREATE TABLE parent (i int); CREATE TABLE child () INHERITS (parent); CREATE TABLE grandchild () INHERITS (child);
    INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2); INSERT INTO grandchild VALUES (3);
    CREATE EXTENSION citext; CREATE TABLE ref_sys AS SELECT 4326 AS srid; ALTER EXTENSION citext ADD TABLE ref_sys;
    CREATE TABLE bare (); CREATE MATERIALIZED VIEW later AS SELECT 1 AS i WITH NO DATA;
    CREATE VIEW of_later AS SELECT * FROM later; CREATE SCHEMA views_only; CREATE VIEW views_only.v AS SELECT 1 AS i`);
});
afterAll(() => server.stop());

const plan = (...args: string[]) => planDocument(server, { args });
const warningsOf = async (...args: string[]) => (await plan(...args)).warnings.map(({ message }) => message);

describe('a pattern that takes nothing', () => {
  it('is a warning that says what its name is, and what takes it', async () => {
    const names = 'plain,nosuch,plian,seen,parted_low_1,ref_sys,counter,pg_class';
    expect(await warningsOf('-i', names)).toEqual([
      'No table matches "nosuch" of --include',
      'No table matches "plian" of --include; the nearest existing table is public.plain',
      'No table matches "seen" of --include: public.seen is a view (exported with --include-views)',
      'No table matches "parted_low_1" of --include: public.parted_low_1 is a partition of public.parted, which is exported with its rows',
      'No table matches "ref_sys" of --include: public.ref_sys is a table of an extension (exported with --include-extension-tables)',
      'No table matches "counter" of --include: public.counter is a sequence, and sequences are not exported',
      `No table matches "pg_class" of --include: pg_catalog.pg_class is one of the system's own tables, which are not exported`,
    ]);
    expect(
      await warningsOf(
        '-i',
        'plain,parent',
        '-e',
        'parted_low,seen,plian',
        '--source_schema_name',
        'public,pubic,views_only',
      ),
    ).toEqual([
      'No schema matches "pubic" of --source-schema-name; the nearest existing schema is public',
      'No table is in a schema matching "views_only" of --source-schema-name: views_only.v is a view (exported with --include-views)',
      '"parted_low" of --exclude matches none of the tables: public.parted_low is a partition of public.parted, which is exported with its rows',
      '"seen" of --exclude matches none of the tables',
      '"plian" of --exclude matches none of the tables; the nearest existing table is public.plain',
      'Rows of tables that inherit from exported ones are not exported: public.child, public.grandchild (--inherited include)',
    ]);
  });

  it('of the only pattern is an error with the same reason', async () => {
    const { error, exit_code: code } = await plan('-i', 'seen,parted_low');
    expect([code, error?.code]).toEqual([2, 'NO_TABLE_MATCHES']);
    expect(error?.hint).toContain('public.seen is a view (exported with --include-views)');
    expect(error?.hint).toContain('public.parted_low is a partition of public.parted');
  });

  it('is in the JSON result of an export, which goes on', async () => {
    await using run = await runExportHere(server, { args: ['-i', 'plain,nosuch', '--table_config', 'plian:None'] });
    expect(run.result).toMatchObject({ exit_code: 0, totals: { completed: 1 } });
    expect(run.result.warnings.map(({ message }) => message)).toEqual([
      'No table matches "nosuch" of --include',
      'No exported table is called "plian", as --table-config says; the nearest existing table is public.plain',
    ]);
    expect(run.cli.stderr).toContain('No table matches "nosuch" of --include');
  });
});

it('a table that others inherit from is exported with its own rows only, which the plan says', async () => {
  await using run = await runExportHere(server, { args: ['-i', 'parent,child,grandchild'] });
  expect(run.result.tables.map(({ rows }) => rows)).toEqual([1, 1, 1]);
  const { tables, warnings } = await plan('-i', 'parent,child');
  const notes = Object.fromEntries(tables.map((table) => [table.table, table.notes]));
  expect(notes['parent']).toEqual([
    {
      code: 'OWN_ROWS_ONLY',
      message:
        'its own rows only: those of public.child, public.grandchild, which inherit from it, are not all exported (--inherited include adds them)',
    },
  ]);
  expect(warnings.map(({ message }) => message)).toEqual([
    'Rows of tables that inherit from exported ones are not exported: public.grandchild (--inherited include)',
  ]);
});

it('inherited tables are told to come twice', async () => {
  const all = ['--inherited', 'include'];
  const { tables, warnings } = await plan(...all, '-i', 'parent,child,grandchild');
  const notes = Object.fromEntries(tables.map(({ table, notes: all }) => [table, all?.map(({ message }) => message)]));
  expect(notes).toEqual({
    parent: ['its rows include those of public.child, public.grandchild, which are exported too'],
    child: [
      'its rows include those of public.grandchild, which is exported too',
      'its rows are also among those of public.parent',
    ],
    grandchild: ['its rows are also among those of public.child, public.parent'],
  });
  expect(warnings).toHaveLength(1);
  expect(await planText(server, { args: [...all, '-i', 'parent,child'] })).toContain(
    '\n  public.child: its rows are also among those of public.parent\n',
  );
  expect((await plan(...all, '-i', 'parent,plain')).tables.every(({ notes: none }) => none === undefined)).toBe(true);
});

it('tables of an extension are exported where they are asked for', async () => {
  await using run = await runExportHere(server, { args: ['--include_extension_tables', '-i', 'ref_sys,plain'] });
  expect(run.result).toMatchObject({ exit_code: 0, totals: { rows: 2 } });
  expect((await plan()).left_out).toContainEqual({
    schema: 'public',
    table: 'ref_sys',
    kind: 'table',
    flags: ['--include-extension-tables'],
  });
});

it('what there is nothing to read of is skipped, and no failure', async () => {
  await using run = await runExportHere(server, { args: ['--include_views', '-i', 'bare,later,of_later,plain'] });
  expect(run.result).toMatchObject({ exit_code: 0, totals: { tables: 1, completed: 1 } });
  expect(run.result.skipped.map(({ table, reason }) => [table, reason.code]).sort()).toEqual([
    ['bare', 'TABLE_WITHOUT_COLUMNS'],
    ['later', 'TABLE_NOT_POPULATED'],
    ['of_later', 'TABLE_NOT_POPULATED'],
  ]);
  await using without = await runExportHere(server, {
    args: ['--include_views', '-i', 'bare,later,plain', '--consistency', 'none'],
  });
  expect(without.result).toMatchObject({ exit_code: 0, skipped: [{}, {}] });
});

describe('a view that may not be read', () => {
  const schema = 'rights';
  const hints = async (consistency: 'run' | 'none') => {
    const { problems } = await planDocument(server, {
      user: 'asker',
      password: 'asker',
      args: ['--include_views', '--source_schema_name', schema, '--consistency', consistency],
    });
    return Object.fromEntries(problems.map(({ table, error }) => [table, error]));
  };

  beforeAll(async () => {
    await server.query(`
      CREATE ROLE owner; CREATE ROLE asker LOGIN PASSWORD 'asker'; CREATE SCHEMA ${schema};
      GRANT USAGE ON SCHEMA ${schema} TO asker, owner; GRANT CREATE ON SCHEMA ${schema} TO owner; SET search_path = ${schema};
      CREATE SCHEMA behind; CREATE TABLE behind.secret AS SELECT 1 AS i; CREATE TABLE behind.policed AS SELECT 1 AS i;
      CREATE FUNCTION behind.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION behind.f FROM public;
      ALTER TABLE behind.policed ENABLE ROW LEVEL SECURITY; GRANT USAGE ON SCHEMA behind TO owner, asker;
      GRANT SELECT ON behind.policed TO owner, asker;
      CREATE VIEW owners AS SELECT * FROM behind.secret; ALTER VIEW owners OWNER TO owner;
      CREATE VIEW nested AS SELECT * FROM owners; CREATE VIEW fine AS SELECT * FROM behind.secret;
      CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM behind.secret;
      CREATE VIEW calling AS SELECT behind.f() AS i;
      CREATE VIEW over_policed AS SELECT * FROM behind.policed; ALTER VIEW over_policed OWNER TO owner;
      GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO asker`);
  });

  it.each(['run', 'none'] as const)(
    'says whose right is missing, and on what (--consistency %s)',
    async (consistency) => {
      const problems = await hints(consistency);
      const grant = (text: string) => ({
        code: 'TABLE_PERMISSION_DENIED',
        hint: expect.stringContaining(`GRANT ${text}`) as string,
      });
      expect(problems).toMatchObject({
        owners: grant('SELECT ON behind.secret TO "owner" (the owner of the view)'),
        nested: grant('SELECT ON behind.secret TO "owner" (the owner of the view)'),
        invoker: grant('SELECT ON behind.secret TO "asker"'),
        calling: grant('EXECUTE ON FUNCTION behind.f() TO "asker"'),
        over_policed: {
          code: 'TABLE_ROW_SECURITY',
          message: expect.stringContaining('Row security policies of behind.policed') as string,
          hint: expect.stringContaining('ALTER ROLE "owner" (the owner of the view) BYPASSRLS') as string,
        },
      });
      expect(Object.keys(problems)).toHaveLength(5);
    },
  );

  it('can be read when that is done', async () => {
    await server.query(`
      GRANT SELECT ON behind.secret TO owner, asker; GRANT EXECUTE ON FUNCTION behind.f TO asker; ALTER ROLE owner BYPASSRLS`);
    expect(await hints('run')).toEqual({});
  });
});

it('a view is exported whose owner, or reader, has grants on the columns only that it needs', async () => {
  await server.query(`
    CREATE ROLE some_columns LOGIN PASSWORD 'some'; CREATE ROLE column_owner; CREATE SCHEMA by_column;
    GRANT USAGE, CREATE ON SCHEMA by_column TO column_owner; GRANT USAGE ON SCHEMA by_column TO some_columns;
    SET search_path = by_column;
    CREATE TABLE base AS SELECT 1 AS open, 2 AS secret; GRANT SELECT (open) ON base TO column_owner, some_columns;
    CREATE VIEW of_owner AS SELECT open FROM base; ALTER VIEW of_owner OWNER TO column_owner;
    CREATE VIEW nested AS SELECT * FROM of_owner;
    CREATE VIEW of_reader WITH (security_invoker) AS SELECT open FROM base;
    CREATE VIEW refused WITH (security_invoker) AS SELECT secret FROM base;
    GRANT SELECT ON of_owner, nested, of_reader, refused TO some_columns`);
  await using run = await runExportHere(server, {
    entry: { username: 'some_columns', password: 'some' },
    args: ['--include_views', '--source_schema_name', 'by_column', '-i', 'of_owner,nested,of_reader,refused'],
  });
  expect(run.result).toMatchObject({ exit_code: 3, consistency: 'run', totals: { completed: 3, failed: 1, rows: 3 } });
  expect(run.table('refused', 'by_column').error).toMatchObject({
    code: 'TABLE_PERMISSION_DENIED',
    hint: expect.stringContaining('GRANT SELECT ON by_column.base TO "some_columns"') as string,
  });
});
