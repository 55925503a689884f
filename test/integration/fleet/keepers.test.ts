import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';

import type { RunningCli } from '../../harness/cli.js';
import { TestFleet } from '../../harness/fleet.js';
import { newerNode } from '../../harness/newer-node.js';
import { saySkipped } from '../../harness/skipped.js';
import { fileSums, serverSums, type TableSums } from '../../harness/table-sums.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** Runs whose coordinator is killed while workers hold its snapshot, and started again. */

const found = await newerNode();
if ('missing' in found) saySkipped('keepers of a snapshot', found.missing);
const node = 'node' in found ? found.node : '';

/** Read in this order: views are of unknown size, and come before tables. */
const SLOW = Array.from({ length: 24 }, (_, n) => `s${10 + n}`);
const ALL = ['a_first', 'b_sliced', 'c_held', ...SLOW, 'rows_b', 'rows_s'];
/** Two views cannot be read to their end before these are open. */
const GATES = { b_sliced: 1, c_held: 2 } as const;

let server: PostgresServer;

beforeAll(async () => {
  if (node !== '') server = await startPostgres({ settings: { max_connections: 200 } });
});

afterAll(async () => {
  if (node !== '') await server.stop();
});

describe.runIf(node !== '').concurrent('a run whose coordinator is killed', () => {
  it('goes on in the snapshot that workers hold, and reads nothing again that was staged', async ({ expect }) => {
    await using run = await KilledRun.begin('kept', ['--consistency', 'run']);
    const { fleet } = run;
    await run.kill();
    // Nobody can take away rows of the snapshot, and other changes are not in it.
    await expect(fleet.query("SET lock_timeout = '300ms'; TRUNCATE rows_s")).rejects.toThrow(/lock timeout/);
    await run.change();
    // What a worker reads to its end now counts as well: nobody else has read it when the run is over.
    await fleet.open(GATES.c_held);
    await fleet.until(async () => (await run.slices('c_held')).reported === 1, 'c_held is reported');

    const second = fleet.coordinate('--resume_if_exists', '--consistency', 'run', '--json');
    await fleet.until(
      () => Promise.resolve(/slices already staged/.test(second.stderr())),
      'the second one has planned',
    );
    await fleet.open(GATES.b_sliced);
    const { code, stdout, stderr } = await second.result;
    expect(stderr).not.toContain('a new snapshot');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ consistency: 'run' });
    expect(await run.differing()).toEqual([]);
    // The last slice was being read when its coordinator came back.
    expect(await run.attempts('b_sliced')).toEqual([1, 1, 1, 2]);
    expect(await run.attempts('c_held')).toEqual([1]);
    const manifests = ALL.map((table) => run.manifest(table));
    expect(new Set(manifests.map(({ consistency }) => consistency))).toEqual(new Set(['run']));
    expect(new Set(manifests.map(({ snapshot }) => JSON.stringify(snapshot))).size).toBe(1);
    await run.endsCleanly(expect);
  });

  it('takes a new snapshot where nobody holds the former one', async ({ expect }) => {
    await using run = await KilledRun.begin('lost');
    const { fleet } = run;
    await run.kill();
    await fleet.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'lakeport' AND datname = current_database()`);
    await run.change();
    const second = fleet.coordinate('--resume_if_exists', '--json');
    for (const gate of Object.values(GATES)) await fleet.open(gate);
    const { code, stdout } = await second.result;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ consistency: 'none' });
    const differing = await run.differing();
    expect(differing).toContain('rows_s');
    expect(differing).not.toContain('a_first');
    await run.endsCleanly(expect);
  });
});

/** A run with two workers, up to the death of its coordinator. */
class KilledRun {
  readonly fleet: TestFleet;
  readonly #sums: ReadonlyMap<string, TableSums>;
  readonly #database: string;
  readonly #coordinator;
  readonly #workers: RunningCli[] = [];

  private constructor(fleet: TestFleet, name: string, sums: ReadonlyMap<string, TableSums>, flags: readonly string[]) {
    this.fleet = fleet;
    this.#database = name;
    this.#sums = sums;
    this.#coordinator = fleet.coordinate(
      ...['--table_config', 'b_sliced:RangeId:i:4', '--lock_timeout', '3m'],
      ...flags,
    );
  }

  static async begin(name: string, flags: readonly string[] = []): Promise<KilledRun> {
    const fleet = await TestFleet.create(server, { name, node });
    for (const table of ['rows_b', 'rows_s']) await fleet.addTable(table);
    await fleet.query(`
      CREATE VIEW a_first AS SELECT i, t FROM rows_b;
      CREATE VIEW c_held AS SELECT held(i, ${GATES.c_held}) AS i, t FROM rows_b;
      CREATE FUNCTION held_text(i bigint, t text) RETURNS text STABLE LANGUAGE plpgsql AS $$
        BEGIN
          IF i = 999 THEN PERFORM pg_advisory_lock_shared(${GATES.b_sliced}); END IF;
          RETURN t;
        END $$;
      CREATE VIEW b_sliced AS SELECT i, held_text(i, t) AS t FROM rows_b;
      ${SLOW.map((view) => `CREATE VIEW ${view} AS SELECT i, t FROM rows_s WHERE (SELECT pg_sleep(0.2)) IS NOT NULL`).join(';')}`);
    const sums = new Map<string, TableSums>();
    for (const table of ALL) sums.set(table, await serverSums(server, table, name));
    await fleet.shut(...Object.values(GATES));
    return new KilledRun(fleet, name, sums, flags);
  }

  /** Once both workers hold the snapshot, and each reads what it cannot read to its end. */
  async kill(): Promise<void> {
    const { fleet } = this;
    // The second worker comes when the first can do no more, and few of the slow views are read until it can do no more.
    this.#workers.push(fleet.work('w1'));
    await fleet.reads('w1', 'c_held');
    this.#workers.push(fleet.work('w2'));
    await fleet.until(async () => {
      const [holding] =
        await fleet.log(`SELECT count(*) AS n, count(DISTINCT snapshot::json #>> '{snapshot,moment}') AS moments
        FROM export_workers WHERE snapshot IS NOT NULL`);
      return holding?.['n'] === '3' && holding['moments'] === '1';
    }, 'both workers hold the snapshot');
    await fleet.until(async () => (await this.slices('b_sliced')).staged === 3, 'three slices are staged');
    await fleet.reads('w2', 'b_sliced');
    const [{ state } = {}] = await fleet.log(`SELECT state FROM export_jobs WHERE source_table = 'rows_s'`);
    if (state !== 'pending') throw new Error(`rows_s is ${String(state)}`);
    this.#coordinator.kill('SIGKILL');
    await this.#coordinator.result;
  }

  /** Changes tables that are published, staged in part, and not read yet. */
  async change(): Promise<void> {
    for (const table of ['rows_b', 'rows_s']) {
      await this.fleet.query(`DELETE FROM ${table} WHERE i % 3 = 0;
        UPDATE ${table} SET t = 'other' WHERE i % 3 = 1;
        INSERT INTO ${table} SELECT i, 'new' FROM generate_series(2000, 2999) AS i;`);
    }
  }

  /** Slices of a table that the log knows to be staged, and that workers have reported to the queue. */
  async slices(table: string): Promise<{ readonly staged: number; readonly reported: number }> {
    const [log] = await this.fleet.log(`SELECT count(*)::int AS n FROM export_partitions AS part
      JOIN export_jobs AS job USING (run_id, job_id) WHERE source_table = '${table}' AND part.staged IS NOT NULL`);
    const [queue] = await this.fleet.log(`SELECT count(*)::int AS n FROM lakeport_queue.job
      WHERE state = 'completed' AND (data ->> 'job')::json #>> '{tasks,0,dataset,id,name}' = '${table}'`);
    return { staged: Number(log?.['n']), reported: Number(queue?.['n']) };
  }

  /** How often each slice of a table was handed out. */
  async attempts(table: string): Promise<readonly unknown[]> {
    const rows = await this.fleet.log(`SELECT part.attempts FROM export_partitions AS part
      JOIN export_jobs AS job USING (run_id, job_id) WHERE source_table = '${table}' ORDER BY slice_index`);
    return rows.map(({ attempts }) => attempts);
  }

  /** Tables whose files are not what they were when the run began. */
  async differing(): Promise<readonly string[]> {
    const differing: string[] = [];
    for (const [table, sums] of this.#sums) {
      const files = await fileSums(path.join(this.fleet.output, 'public', table)).catch(() => undefined);
      if (JSON.stringify(files) !== JSON.stringify(sums)) differing.push(table);
    }
    return differing;
  }

  manifest(table: string): { readonly consistency: string; readonly snapshot: unknown } {
    const file = path.join(this.fleet.output, 'public', `_${table}.manifest.json`);
    // As the manifest's schema says.
    return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<KilledRun['manifest']>;
  }

  /** Workers leave, and with them every session and everything that the run has not published. */
  async endsCleanly(expect: (value: unknown) => { toEqual(expected: unknown): void }): Promise<void> {
    for (const worker of this.#workers) expect((await worker.result).code).toEqual(0);
    expect(await this.fleet.leftovers()).toEqual([]);
    const sessions = await this.fleet.query(`SELECT query FROM pg_stat_activity
      WHERE application_name = 'lakeport' AND datname = '${this.#database}'`);
    expect(sessions).toEqual([]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.fleet.remove();
  }
}
