import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { planDocument, planText } from '../../harness/plan-document.js';
import { type ExportRun, runExportHere } from '../../harness/export-run.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { freePort } from '../../../src/embedded-postgres/free-port.js';

/* Tables whose rows lie on another server (another database of the same one, by postgres_fdw), or in a file. */

let server: PostgresServer;
const near = (sql: string) => server.query(sql, undefined, 'near');

/** Whatever holds rows of foreign tables in one way or another. */
const OVER_FOREIGN = ['mixed', 'heir_of_file', 'seen', 'seen_again', 'called', 'parted'];

beforeAll(async () => {
  server = await startPostgres();
  await server.query('CREATE DATABASE far');
  await server.query('CREATE DATABASE near');
  await server.query(
    `CREATE ROLE far_reader LOGIN PASSWORD 'far'; CREATE TABLE orders AS SELECT i AS id, 'o' || i AS name
       FROM generate_series(1, 100) AS i; CREATE TABLE hidden (id int); GRANT SELECT ON orders TO far_reader`,
    undefined,
    'far',
  );
  const closedPort = await freePort();
  await near(`
    CREATE EXTENSION postgres_fdw; CREATE EXTENSION file_fdw;
    CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${server.port}', dbname 'far');
    CREATE SERVER closed FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${closedPort}', dbname 'far');
    CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'far_reader', password 'far');
    CREATE USER MAPPING FOR postgres SERVER closed OPTIONS (user 'far_reader', password 'far');
    CREATE TABLE plain AS SELECT i AS id FROM generate_series(1, 10) AS i;
    CREATE FOREIGN TABLE orders (id int, name text) SERVER far;
    CREATE TABLE mixed (id int, name text) PARTITION BY RANGE (id);
    CREATE TABLE mixed_here PARTITION OF mixed FOR VALUES FROM (1001) TO (2000);
    CREATE TABLE mixed_far PARTITION OF mixed FOR VALUES FROM (0) TO (1001) PARTITION BY RANGE (id);
    CREATE FOREIGN TABLE mixed_far_1 PARTITION OF mixed_far FOR VALUES FROM (0) TO (1001)
      SERVER far OPTIONS (table_name 'orders');
    INSERT INTO mixed_here SELECT i, 'n' || i FROM generate_series(1001, 1010) AS i;
    CREATE TABLE heir_of_file (line text); INSERT INTO heir_of_file VALUES ('here');
    CREATE FOREIGN TABLE in_file (line text) INHERITS (heir_of_file) SERVER files OPTIONS (filename '/dev/null');
    CREATE VIEW seen AS SELECT o.id, (SELECT count(*) FROM plain) AS n FROM orders AS o;
    CREATE VIEW seen_again AS SELECT id FROM seen WHERE id > 50;
    CREATE FUNCTION counted() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM orders; END;
    CREATE VIEW called AS SELECT counted() AS n;
    CREATE VIEW parted AS SELECT * FROM mixed;
    CREATE VIEW own AS SELECT * FROM plain;
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM orders; CREATE VIEW of_kept AS SELECT * FROM kept`);
});
afterAll(() => server.stop());

describe('without --include-foreign-tables', () => {
  it('foreign tables are left out, and what would lack their rows fails with the flag that helps', async () => {
    const plan = await planDocument(server, { database: 'near', args: ['--include_views', '--inherited', 'include'] });
    expect(plan.tables.map(({ table, consistency }) => [table, consistency]).sort()).toEqual([
      ['kept', 'run'],
      ['of_kept', 'run'],
      ['own', 'run'],
      ['plain', 'run'],
    ]);
    expect(plan).toMatchObject({ exit_code: 3, consistency: 'run' });
    expect(plan.left_out.map(({ table, flags }) => [table, ...flags])).toEqual([
      ['in_file', '--include-foreign-tables'],
      ['orders', '--include-foreign-tables'],
    ]);
    expect(plan.problems.map(({ table }) => table).sort()).toEqual([...OVER_FOREIGN].sort());
    for (const { error } of plan.problems) {
      expect(error.code).toBe('FOREIGN_TABLES_NOT_INCLUDED');
      expect(error.hint).toContain('--include-foreign-tables');
    }
  });

  it('a foreign table that is named says what it is and which flag takes it', async () => {
    const plan = await planDocument(server, { database: 'near', args: ['-i', 'plain,orders'] });
    expect(plan.exit_code).toBe(0);
    expect(plan.warnings.map(({ message }) => message)).toEqual([
      'No table matches "orders" of --include: public.orders is a foreign table (exported with --include-foreign-tables)',
    ]);
    const refused = await planDocument(server, { database: 'near', args: ['-i', 'orders,seen'] });
    expect(refused).toMatchObject({ exit_code: 2, error: { code: 'NO_TABLE_MATCHES' } });
    expect(refused.error?.hint).toContain('--include-foreign-tables');
    expect(refused.error?.hint).toContain(
      'public.seen is a view with rows of foreign tables (exported with --include-views and --include-foreign-tables)',
    );
  });
});

it('a table from which a foreign one inherits has rows of its own, which are in the snapshot', async () => {
  const { tables } = await planDocument(server, { database: 'near', args: ['-i', 'heir_of_file', '--include_views'] });
  expect(tables.map(({ table, consistency }) => [table, consistency])).toEqual([['heir_of_file', 'run']]);
});

describe('with --include-foreign-tables', () => {
  let run: ExportRun;
  beforeAll(async () => {
    run = await runExportHere(server, {
      database: 'near',
      args: ['--include_foreign_tables', '--include_views', '--inherited', 'include'],
    });
  });
  afterAll(() => run.remove());

  it('their rows are exported, also by way of partitions, inheritance, views and functions', () => {
    expect(run.result.exit_code).toBe(0);
    expect(Object.fromEntries(run.result.tables.map(({ table, rows }) => [table, rows]))).toEqual({
      ...{ plain: 10, own: 10, kept: 100, of_kept: 100, orders: 100, mixed: 110, parted: 110 },
      ...{ heir_of_file: 1, in_file: 0, seen: 100, seen_again: 50, called: 1 },
    });
  });

  it('their consistency is none, in result and manifest, and that of the others is not', async () => {
    expect(run.result.consistency).toBe('none');
    for (const { table, consistency } of run.result.tables) {
      const expected = [...OVER_FOREIGN, 'orders', 'in_file'].includes(table) ? 'none' : 'run';
      expect([table, consistency]).toEqual([table, expected]);
      expect([table, (await run.manifest(table))['consistency']]).toEqual([table, expected]);
    }
    expect(run.result.warnings.some(({ message }) => message.startsWith('In no snapshot'))).toBe(true);
  });

  it('the plan says so, table by table', async () => {
    const text = await planText(server, { database: 'near', args: ['--include_foreign_tables', '-i', 'orders,plain'] });
    expect(text).toContain('Consistency  none: 1 table in no snapshot, 1 in one');
    expect(text).toMatch(/^ {2}public\.orders: its rows come from foreign tables, .*consistency none/m);
  });

  // Before 16 the server itself cannot be interrupted while it connects.
  it.skipIf(Number(process.env['LAKEPORT_TEST_PG_VERSION'] ?? 17) < 16)(
    'a server that never answers fails its own table, within the lock timeout',
    async () => {
      const silent = createServer(() => undefined).listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const { port } = silent.address() as AddressInfo;
      await near(`
        CREATE SERVER silent FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${port}', dbname 'far');
        CREATE USER MAPPING FOR postgres SERVER silent OPTIONS (user 'far_reader', password 'far');
        CREATE FOREIGN TABLE unheard (id int) SERVER silent`);
      try {
        const args = ['--include_foreign_tables', '-i', 'unheard,orders,plain', '--lock_timeout', '1s'];
        const plan = await planDocument(server, { database: 'near', args });
        expect(plan.tables.map(({ table }) => table).sort()).toEqual(['orders', 'plain']);
        expect(plan.problems.map(({ table, error }) => [table, error.code, error.message])).toEqual([
          ['unheard', 'FOREIGN_SERVER_SILENT', expect.stringContaining('did not answer within 1 s') as string],
        ]);
      } finally {
        silent.close();
        await near('DROP SERVER silent CASCADE');
      }
    },
  );

  it('--consistency run refuses them, and no other', async () => {
    await using refused = await runExportHere(server, {
      database: 'near',
      args: [
        '--include_foreign_tables',
        '--include_views',
        '--consistency',
        'run',
        '-i',
        'orders,mixed,seen,own,plain',
      ],
    });
    expect(refused.result).toMatchObject({ exit_code: 3, consistency: 'run' });
    expect(refused.result.tables.map(({ table, error }) => [table, error?.code]).sort()).toEqual([
      ['mixed', 'TABLE_OUTSIDE_SNAPSHOT'],
      ['orders', 'TABLE_OUTSIDE_SNAPSHOT'],
      ['own', undefined],
      ['plain', undefined],
      ['seen', 'TABLE_OUTSIDE_SNAPSHOT'],
    ]);
  });
});

describe('a foreign server', () => {
  it('that cannot be used is told in the plan, with what helps', async () => {
    await near(`
      CREATE ROLE exporter LOGIN PASSWORD 'exporter'; CREATE SCHEMA trouble; GRANT USAGE ON SCHEMA trouble TO exporter;
      CREATE FOREIGN TABLE trouble.no_mapping (id int, name text) SERVER far OPTIONS (schema_name 'public', table_name 'orders');
      CREATE FOREIGN TABLE trouble.no_server (id int) SERVER closed;
      CREATE FOREIGN TABLE trouble.no_file (id text) SERVER files OPTIONS (filename '/nowhere/at/all');
      GRANT SELECT ON ALL TABLES IN SCHEMA trouble TO exporter;
      CREATE USER MAPPING FOR exporter SERVER closed OPTIONS (user 'x', password 'x')`);
    const plan = await planDocument(server, {
      database: 'near',
      user: 'exporter',
      password: 'exporter',
      args: ['--include_foreign_tables', '--source_schema_name', 'trouble'],
    });
    const problems = new Map(plan.problems.map(({ table, error }) => [table, error]));
    expect(problems.get('no_mapping')).toMatchObject({ code: 'FOREIGN_SERVER_LOGIN_MISSING' });
    expect(problems.get('no_mapping')?.hint).toMatch(/^CREATE USER MAPPING FOR .* OPTIONS/);
    expect(problems.get('no_server')).toMatchObject({ code: 'FOREIGN_SERVER_UNREACHABLE' });
    expect(problems.get('no_file')?.message).toContain('/nowhere/at/all');
    expect(plan.tables).toEqual([]);
  });

  it('that denies a table is not answered with a grant for this one', async () => {
    await near("CREATE FOREIGN TABLE denied (id int) SERVER far OPTIONS (table_name 'hidden')");
    await using run = await runExportHere(server, {
      database: 'near',
      args: ['--include_foreign_tables', '-i', 'denied'],
    });
    const { error } = run.table('denied');
    expect(error).toMatchObject({ code: 'FOREIGN_SERVER_ERROR' });
    expect(error?.hint).toContain('foreign server');
    await near('DROP FOREIGN TABLE denied');
  });
});
