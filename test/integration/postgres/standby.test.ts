import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runExportHere } from '../../harness/export-run.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** A server in recovery, as those are from which reports are read, with defaults that a standby refuses. */

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE a AS SELECT i AS id FROM generate_series(1, 1000) i;
    CREATE UNLOGGED TABLE scratch AS SELECT 1 AS id;
    CREATE TABLE parted (id int) PARTITION BY LIST (id);
    CREATE UNLOGGED TABLE leaf PARTITION OF parted DEFAULT; INSERT INTO parted VALUES (1);
    CREATE VIEW over AS SELECT * FROM scratch; CREATE VIEW fine AS SELECT * FROM a; ANALYZE;
    ALTER DATABASE postgres SET default_transaction_isolation = serializable;
    ALTER DATABASE postgres SET default_transaction_deferrable = on;
    ALTER ROLE postgres SET default_transaction_read_only = on;`);
});
afterAll(() => server.stop());

const ARGS = ['--include_views', '--consistency'];

describe.each(['run', 'none'])(
  'an export from a hot standby whose default is serializable (--consistency %s)',
  (level) => {
    it('is complete, and foresees which tables have no rows there', async () => {
      await server.restart({ standby: true });
      await using run = await runExportHere(server, { args: [...ARGS, level] });
      expect(run.result.consistency).toBe(level);
      const ends = run.result.tables.map(({ table, state, rows, error }) => [table, state, rows, error?.code]);
      expect(ends.sort()).toEqual([
        ['a', 'completed', 1000, undefined],
        ['fine', 'completed', 1000, undefined],
        ['over', 'failed', 0, 'TABLE_UNLOGGED'],
        ['parted', 'failed', 0, 'TABLE_UNLOGGED'],
        ['scratch', 'failed', 0, 'TABLE_UNLOGGED'],
      ]);
      expect(run.table('scratch').error?.hint).toContain('primary');
    });
  },
);

it('a primary with such defaults is read, its unlogged tables included', async () => {
  await server.restart();
  await using run = await runExportHere(server, { args: [...ARGS, 'run'] });
  expect(run.cli.code).toBe(0);
  expect(run.table('scratch')).toMatchObject({ state: 'completed' });
});
