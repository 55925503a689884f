import path from 'node:path';

import { describe, type ExpectStatic, it } from 'vitest';

import { fleetSetup } from '../../harness/fleet-setup.js';
import type { TestFleet } from '../../harness/fleet.js';
import { KeptRun } from '../../harness/kept-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import type { PostgresServer } from '../../servers/postgres.js';

/** Syncs by `xmin` and by a column, whose coordinators are killed and go on in the snapshots that workers hold. */

const setup = await fleetSetup('keepers of syncs');

const FLAGS = ['--incremental_table', 't1:xmin', '--incremental_table', 't2:i:integer'];

describe.runIf(setup.isPossible)('a sync whose coordinator is killed', () => {
  it('leaves to the next one exactly the rows that its snapshot did not see', async ({ expect }) => {
    await using fleet = await setup.fleet('synced');
    await KeptRun.prepare(fleet);
    const lake = new Lake(fleet);
    await using first = await OpenTransaction.begin('INSERT INTO t1 VALUES (5000, $$open$$)');
    // Ends within the snapshot's bounds, before one that does not.
    await fleet.query('UPDATE t1 SET t = t WHERE i = 10');
    const run = await sync(fleet, expect, async (run) => {
      await first.commit();
      await run.change();
    });
    expect(await run.differing()).toEqual([]);

    fleet.beginNextRun();
    await using second = await OpenTransaction.begin('INSERT INTO t1 VALUES (6000, $$open$$)');
    await fleet.query(`UPDATE t1 SET t = 'before' WHERE i = 2`);
    await sync(fleet, expect, async () => {
      await second.commit();
      for (const table of ['t1', 't2']) {
        await fleet.query(`INSERT INTO ${table} SELECT i, 'late' FROM generate_series(7000, 7099) AS i`);
      }
      await fleet.query(`UPDATE t1 SET t = 'again' WHERE i = 5000`);
    });
    // Of t1: 334 updated, 1,000 inserted, one of a transaction that was open, and one updated before the second sync.
    expect(await lake.count()).toEqual({ t1: 1000 + 334 + 1000 + 1 + 1, t2: 1000 + 1000 });

    fleet.beginNextRun();
    const last = fleet.coordinate(...FLAGS);
    const worker = fleet.work('last');
    expect(await last.result).toMatchObject({ code: 0 });
    expect(await worker.result).toMatchObject({ code: 0 });
    expect(await lake.count()).toEqual({ t1: 2336 + 1 + 100 + 1, t2: 2000 + 100 });
    // None is missing, and none twice.
    for (const table of ['t1', 't2']) expect(await lake.repeated(table)).toEqual([]);
    expect(await lake.missed('t1')).toEqual([]);
    expect(await lake.missed('t2', "t <> 'other'")).toEqual([]);
  });
});

/** @param whileGone changes tables before the coordinator is started again */
async function sync(
  fleet: TestFleet,
  expect: ExpectStatic,
  whileGone: (run: KeptRun) => Promise<void>,
): Promise<KeptRun> {
  const flags = [...FLAGS, '--consistency', 'run'];
  const run = await KeptRun.begin(fleet, { flags });
  await run.isHeldBy(3);
  await run.killCoordinator();
  await whileGone(run);
  const { code, stdout, stderr } = await (await run.goOn(...flags)).result;
  expect(stderr).not.toContain('a new snapshot');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ consistency: 'run' });
  for (const end of await run.workerResults()) expect(end.code).toBe(0);
  return run;
}

/** A transaction of the source that is in progress when a run takes its snapshot. */
class OpenTransaction {
  readonly #client: Awaited<ReturnType<PostgresServer['connect']>>;

  private constructor(client: Awaited<ReturnType<PostgresServer['connect']>>) {
    this.#client = client;
  }

  static async begin(sql: string): Promise<OpenTransaction> {
    const client = await setup.server.connect({ database: 'synced' });
    await client.query(`BEGIN; ${sql}`);
    return new OpenTransaction(client);
  }

  async commit(): Promise<void> {
    await this.#client.query('COMMIT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}

/** What all syncs of tables have written. */
class Lake {
  readonly #fleet: TestFleet;

  constructor(fleet: TestFleet) {
    this.#fleet = fleet;
  }

  async count(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const table of ['t1', 't2']) counts[table] = (await this.#rows(table)).length;
    return counts;
  }

  /** Rows that are there more than once. */
  async repeated(table: string): Promise<readonly string[]> {
    const rows = await this.#rows(table);
    return rows.filter((row, at) => rows.indexOf(row) !== at);
  }

  /** Rows of the server that meet a condition, and are in no file. */
  async missed(table: string, condition = 'true'): Promise<readonly string[]> {
    const written = new Set(await this.#rows(table));
    const rows = await this.#fleet.query(`SELECT i || ' ' || t AS row FROM ${table} WHERE ${condition}`);
    return rows.map(({ row }) => String(row)).filter((row) => !written.has(row));
  }

  async #rows(table: string): Promise<readonly string[]> {
    const files = quote(path.join(this.#fleet.output, 'public', table, '**', 'part-*.parquet'));
    const rows = await queryDuckDb(`SELECT i || ' ' || t AS row FROM read_parquet(${files})`);
    // Of the query.
    return rows.map(({ row }) => row as string);
  }
}
