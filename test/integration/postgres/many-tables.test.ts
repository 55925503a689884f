import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runExportHere } from '../../harness/export-run.js';
import { planDocument, planText } from '../../harness/plan-document.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/* What a database of thousands of tables costs, told by the server itself. */

const MANY = 1200;
const FEW = 60;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { log_statement: 'all', max_locks_per_transaction: 256 } });
  await server.query(`
    CREATE SCHEMA few; CREATE SCHEMA many;
    DO $$ BEGIN FOR i IN 1..${MANY} LOOP
      EXECUTE format('CREATE TABLE %I.t%s AS SELECT n AS id, n::text AS word, n * 1.5 AS number FROM generate_series(1, 10) n',
                     CASE WHEN i <= ${FEW} THEN 'few' ELSE 'many' END, i);
      EXECUTE format('ALTER TABLE %I.t%s ADD PRIMARY KEY (id)', CASE WHEN i <= ${FEW} THEN 'few' ELSE 'many' END, i);
      IF i % 2 = 0 THEN
        EXECUTE format('CREATE VIEW %1$I.v%2$s AS SELECT * FROM %1$I.t%2$s', CASE WHEN i <= ${FEW} THEN 'few' ELSE 'many' END, i);
      END IF;
    END LOOP; END $$;
    ANALYZE`);
});
afterAll(() => server.stop());

/** Statements that the server has logged. */
function statements(): number {
  return server.log().match(/LOG: {2}(?:statement|execute )/g)?.length ?? 0;
}

async function statementsOf(run: () => Promise<unknown>): Promise<number> {
  const before = statements();
  await run();
  return statements() - before;
}

it('plans twenty times as many tables with hardly more queries', async () => {
  // Every table is large enough for two readers, so its members are asked for too.
  const args = ['--include_views', '--large_table_threshold', '1', '-p', '2'];
  const few = await statementsOf(() => planDocument(server, { args: [...args, '--source_schema_name', 'few'] }));
  let tables = 0;
  const many = await statementsOf(async () => {
    tables = (await planDocument(server, { args })).tables.length;
  });
  expect(tables).toBe(MANY + MANY / 2);
  expect(few).toBeGreaterThan(5);
  // Locks are taken in batches.
  expect(many).toBeLessThan(few + 30);
});

it('lists the largest of many tables, or all, or one in full', async () => {
  const overview = await planText(server);
  expect(overview.split('\n').length).toBeLessThan(60);
  expect(overview).toContain(`1,180 more tables`);
  const all = await planText(server, { args: ['--tables'] });
  expect(all.match(/^(?:few|many)\.t\d+ /gm)).toHaveLength(MANY);
  const one = await planText(server, { args: ['many.t1000'] });
  expect(one).toMatch(/^many\.t1000 .*\n\nmany\.t1000\n {2}COLUMN/m);
  expect(one).not.toContain('t999');
  const some = await planText(server, { args: ['many.t1%'] });
  expect(some.split('\n').length).toBeLessThan(60);
  expect(some).toMatch(/^The 20 largest of [\d,]+ tables are listed/m);
});

it('readers give up the locks of tables that they have read', async () => {
  let most = 0;
  const over = new AbortController();
  const watch = (async () => {
    const client = await server.connect();
    while (!over.signal.aborted) {
      const { rows } = await client.query<{ locks: number }>(
        `SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid()
         GROUP BY pid ORDER BY 1 DESC OFFSET 1 LIMIT 1`,
      );
      most = Math.max(most, rows[0]?.locks ?? 0);
      await sleep(20);
    }
    await client.end();
  })();
  await using run = await runExportHere(server, { args: ['--n_jobs', '2'] });
  over.abort();
  await watch;
  expect(run.result.totals).toMatchObject({ completed: MANY, rows: MANY * 10 });
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(30);
});
