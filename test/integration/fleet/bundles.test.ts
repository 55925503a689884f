import { DuckDBInstance } from '@duckdb/node-api';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { fleetSetup } from '../../harness/fleet-setup.js';
/** Small tables, which workers get many at a time. */

const setup = await fleetSetup('bundles of workers on other machines', {
  settings: { max_locks_per_transaction: 200 },
});
const SMALL = 300;

describe.runIf(setup.isPossible)('small tables that workers read in bundles', () => {
  it('are exact when a worker leaves in the middle of one, another is killed there, and a table fails', async () => {
    const fleet = await setup.fleet('bundles');
    try {
      await fleet.query(`
        DO $$ BEGIN FOR n IN 1..${SMALL} LOOP
          EXECUTE format('CREATE TABLE t%s AS SELECT i, md5(i || ''t%s'') AS t FROM generate_series(1::bigint, 10) i', n, n);
        END LOOP; END $$;
        CREATE TABLE empty (i bigint, t text);
        CREATE TABLE large AS SELECT i, repeat(md5(i::text), 5) AS t FROM generate_series(1::bigint, 400000) i;
        ANALYZE`);
      await fleet.shut(1);
      // The server estimates the size of queries, so that these are in bundles.
      const query = (name: string, column: string) => ['--query', `public.${name}=SELECT ${column} AS i, t FROM t1000`];
      await fleet.addTable('t1000');
      const run = fleet.coordinate(...query('held1', 'held(i, 1)'), ...query('broken', '1 / (i - 500)'));
      const others = String.raw`and \d+ other (tables|slices)`;

      const sent = fleet.work('sent', { flags: ['--grace', '2s'] });
      await fleet.reads('sent', 'held1');
      sent.kill('SIGTERM');
      expect(await sent.result).toMatchObject({ code: 143 });

      const killed = fleet.work('killed');
      await fleet.reads('killed', 'held1');
      const bundle = await fleet.log(`SELECT data->>'job' AS job FROM lakeport_queue.job WHERE state = 'active'`);
      expect(String(bundle[0]?.['job']).match(/"mode":"rows"/g)?.length).toBeGreaterThan(1);
      killed.kill('SIGKILL');
      const last = [fleet.work('w1'), fleet.work('w2')];
      // Nobody has to wait for the one that nobody can read yet.
      await fleet.until(() => {
        const ended = run.stderr().match(/ (public\.\w+ completed|ERROR {4}public\.broken)/g);
        return Promise.resolve(new Set(ended).size === SMALL + 4);
      }, 'all others are exported');
      await fleet.open(1);

      const { code, stderr } = await run.result;
      expect(stderr).toMatch(new RegExp(`Worker sent on .* has given back public\\.held1 ${others}`));
      expect(stderr).toMatch(
        new RegExp(`Worker killed on .* was lost while it read public\\.held1 ${others}: they are read again`),
      );
      expect(stderr.match(/was lost while it read/g)).toHaveLength(1);
      expect(stderr).toContain('public.broken: The server could not compute a value of the table');
      expect(code).toBe(3);
      for (const worker of last) expect((await worker.result).code).toBe(0);
      await fleet.query('CREATE VIEW held1 AS SELECT * FROM t1000');
      expect(await fleet.wrongTables(['held1', 'large', 'empty', 't1000'])).toEqual([]);
      expect(await smallTables(fleet.output)).toEqual({
        tables: SMALL,
        rows: SMALL * 10,
        distinct: SMALL * 10,
        wrong: 0,
      });
      expect(await fleet.leftovers()).toEqual([]);
    } finally {
      await fleet.remove();
    }
  });
});

/** Of the files of all small tables: their rows by key, and those whose hash is not that of table and key. */
async function smallTables(output: string): Promise<Record<string, number>> {
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    const files = path.join(output, 'public', 't*', '*.parquet');
    const reader = await connection.runAndReadAll(`
      WITH found AS (SELECT i, t, parse_path(filename)[-2] AS name FROM read_parquet('${files}', filename = true))
      SELECT count(DISTINCT name)::INTEGER AS tables, count(*)::INTEGER AS rows,
             count(DISTINCT (name, i))::INTEGER AS distinct, (count(*) FILTER (t <> md5(i || name)))::INTEGER AS wrong
        FROM found WHERE name <> 't1000'`);
    // As the statement selects them.
    return (reader.getRowObjects()[0] ?? {}) as Record<string, number>;
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}
