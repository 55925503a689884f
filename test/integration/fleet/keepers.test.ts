import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, it } from 'vitest';

import { exporterOf } from '../../../src/sources/postgres/locking/held-locks.js';
import type { RunningCli } from '../../harness/cli.js';
import { fleetSetup } from '../../harness/fleet-setup.js';
import type { TestFleet } from '../../harness/fleet.js';
import { differingTables, serverSums, type TableSums } from '../../harness/table-sums.js';
import type { PostgresServer } from '../../servers/postgres.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';

/** Runs that lose their coordinator, or its connection to the source, while workers hold the snapshot. */

const setup = await fleetSetup('keepers of a snapshot');

/** Read in this order: views are of unknown size, and come before tables. */
const SLOW = Array.from({ length: 24 }, (_, n) => `s${10 + n}`);
const ALL = ['a_first', 'b_sliced', 'c_held', ...SLOW, 'rows_b', 'rows_s'];
/** Two views cannot be read to their end before these are open. */
const GATES = { b_sliced: 1, c_held: 2 } as const;

describe.runIf(setup.isPossible).concurrent('a run whose coordinator is killed', () => {
  it('goes on in the snapshot that workers hold, and reads nothing again that was staged', async ({ expect }) => {
    await using run = await KeptRun.begin('kept', { flags: ['--consistency', 'run'] });
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
    expect(stderr).toContain('The run goes on in the snapshot of the attempt before');
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
    await using run = await KeptRun.begin('lost');
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

/** What the coordinator says. */
const TAKEN_OVER = /The connection that held the snapshot was lost .*: the run goes on in the same one/g;

describe.runIf(setup.isPossible).concurrent('a run whose coordinator loses its connection to the source', () => {
  it('takes the snapshot over from workers, more than once, and reads nothing twice', async ({ expect }) => {
    await using run = await KeptRun.begin('taken', { flags: ['--consistency', 'run'] });
    const { fleet } = run;
    await run.isReady();
    const refusals = await run.whileTruncating(async () => {
      await run.lose(['coordinator']);
      await run.change();
      await run.isTakenOver(1);
    });
    expect(refusals.filter((refusal) => !/lock timeout/.test(refusal))).toEqual([]);
    // Workers can hold it again, from the session that has taken it over from them; and that once more from these.
    await run.lose(['worker']);
    await run.isHeld(3);
    await run.lose(['coordinator']);
    await run.isTakenOver(2);
    await expect(fleet.query("SET lock_timeout = '300ms'; TRUNCATE rows_s")).rejects.toThrow(/lock timeout/);
    // What waits in the queue names the first session, which is gone.
    await run.startWorker('w3');
    await fleet.until(async () => (await run.stateOf('rows_s')) === 'completed', 'the others are read');
    await run.open();

    const { code, stderr, stdout } = await run.end();
    expect(stderr).not.toMatch(/a new snapshot|given back|restarts/);
    expect(stderr.match(TAKEN_OVER)).toHaveLength(2);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ consistency: 'run' });
    expect(await run.differing()).toEqual([]);
    for (const table of ALL) expect(new Set(await run.attempts(table)), table).toEqual(new Set([1]));
    const manifests = ALL.map((table) => run.manifest(table));
    expect(new Set(manifests.map(({ consistency }) => consistency))).toEqual(new Set(['run']));
    expect(new Set(manifests.map(({ snapshot }) => JSON.stringify(snapshot))).size).toBe(1);
    await run.endsCleanly(expect);
  });

  it('takes it over when nobody answers on that connection any more', async ({ expect }) => {
    await using gate = await openGate(setup.server);
    await using run = await KeptRun.begin('silent', { flags: ['--consistency', 'run'], gate });
    await run.isReady();
    gate.loseOldest();
    // Its end is noticed when something has been read.
    await run.open();
    await run.change();
    const { code, stderr, stdout } = await run.end();
    expect(stderr.match(TAKEN_OVER)).toHaveLength(1);
    expect(stderr).toMatch(/has not answered for/);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ consistency: 'run' });
    expect(await run.differing()).toEqual([]);
    for (const table of ALL) expect(new Set(await run.attempts(table)), table).toEqual(new Set([1]));
    await run.endsCleanly(expect);
  });

  it('takes a new snapshot when its workers lose it at the same moment', async ({ expect }) => {
    await using run = await KeptRun.begin('together');
    await run.isReady();
    // Nobody waits for the new snapshot, which has to see this.
    await run.change();
    await run.lose(['coordinator', 'worker']);
    await run.open();
    const { code, stderr, stdout } = await run.end();
    expect(stderr).toMatch(/The connection that held the snapshot was lost .*: tables not read yet use a new one/);
    expect(stderr).not.toMatch(TAKEN_OVER);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ consistency: 'table' });
    const differing = await run.differing();
    expect(differing).toContain('rows_s');
    expect(differing).not.toContain('a_first');
    await run.endsCleanly(expect);
  });

  it('fails with --consistency run where no worker holds the snapshot', async ({ expect }) => {
    await using run = await KeptRun.begin('unkept', { flags: ['--consistency', 'run', '--keepers', '0'] });
    const { fleet } = run;
    await run.isReady({ holders: 1 });
    await run.lose(['coordinator']);
    await run.change();
    await run.open();
    const { code, stderr } = await run.end();
    expect(code).toBe(3);
    expect(stderr).toContain('--consistency run does not allow a second one');
    expect(stderr).not.toMatch(TAKEN_OVER);
    expect(await fleet.log("SELECT error_code FROM export_jobs WHERE source_table = 'rows_s'")).toEqual([
      { error_code: 'SNAPSHOT_LOST' },
    ]);
    await run.endsCleanly(expect);
  });
});

async function openGate(target: PostgresServer): Promise<TcpGate & AsyncDisposable> {
  const gate = await startTcpGate(target);
  return Object.assign(gate, { [Symbol.asyncDispose]: () => Promise.resolve(gate.stop()) });
}

interface HoldingSession {
  readonly role: 'coordinator' | 'worker';
  readonly token: string;
  readonly moment: string;
}

/** Their transactions, in `pg_locks`. */
function ofSessions(sessions: readonly HoldingSession[]): string {
  const transactions = sessions.map(({ token }) => `'${exporterOf(token)}'`);
  return `locktype = 'virtualxid' AND virtualtransaction = virtualxid AND virtualtransaction IN (${transactions.join(', ')})`;
}

interface KeptRunOptions {
  /** Of the coordinator. */
  readonly flags?: readonly string[];
  /** On its way to the source. */
  readonly gate?: TcpGate | undefined;
}

/** A run with two workers, each of which holds the snapshot, and reads what it cannot read to its end. */
class KeptRun {
  readonly fleet: TestFleet;
  readonly #sums: ReadonlyMap<string, TableSums>;
  readonly #database: string;
  readonly #coordinator;
  /** Of workers. */
  readonly #auth: string;
  readonly #workers: RunningCli[] = [];

  private constructor(
    fleet: TestFleet,
    name: string,
    sums: ReadonlyMap<string, TableSums>,
    { flags = [], gate }: KeptRunOptions,
  ) {
    this.fleet = fleet;
    this.#database = name;
    this.#sums = sums;
    this.#auth = gate === undefined ? 'auth' : 'direct';
    const own = ['--table_config', 'b_sliced:RangeId:i:4', '--lock_timeout', '3m', '--json'];
    this.#coordinator = fleet.coordinate(...own, ...flags);
  }

  static async begin(name: string, options: KeptRunOptions = {}): Promise<KeptRun> {
    const fleet = await setup.fleet(name);
    if (options.gate !== undefined) {
      await fleet.authorize('auth', { through: options.gate, logThrough: setup.server });
      await fleet.authorize('direct');
    }
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
    for (const table of ALL) sums.set(table, await serverSums(setup.server, table, name));
    await fleet.shut(...Object.values(GATES));
    return new KeptRun(fleet, name, sums, options);
  }

  /** @param options.holders how many processes hold the snapshot then, the coordinator included */
  async isReady({ holders = 3 }: { readonly holders?: number } = {}): Promise<void> {
    const { fleet } = this;
    // The second worker comes when the first can do no more, and few of the slow views are read until it can do no more.
    await this.startWorker('w1');
    await fleet.reads('w1', 'c_held');
    await this.startWorker('w2');
    await this.isHeld(holders);
    await fleet.until(async () => (await this.slices('b_sliced')).staged === 3, 'three slices are staged');
    await fleet.reads('w2', 'b_sliced');
    const state = await this.stateOf('rows_s');
    if (state !== 'pending') throw new Error(`rows_s is ${String(state)}`);
  }

  async startWorker(name: string): Promise<void> {
    this.#workers.push(this.fleet.work(name, { auth: this.#auth }));
    await this.fleet.until(
      async () => (await this.fleet.workers()).some((worker) => worker.name === name),
      `${name} has come`,
    );
  }

  async kill(): Promise<void> {
    await this.isReady();
    this.#coordinator.kill('SIGKILL');
    await this.#coordinator.result;
  }

  /** Once so many processes hold the same snapshot, in sessions that there are. */
  async isHeld(holders: number): Promise<void> {
    await this.fleet.until(async () => {
      const sessions = await this.#sessions();
      const moments = new Set(sessions.map(({ moment }) => moment));
      const living = await this.fleet.query(`SELECT FROM pg_locks WHERE ${ofSessions(sessions)}`);
      return moments.size === 1 && living.length === holders;
    }, `${holders} sessions hold the snapshot`);
  }

  /** Ends the sessions that hold the snapshot in processes of these roles, all at once. */
  async lose(roles: readonly ('coordinator' | 'worker')[]): Promise<void> {
    const lost = (await this.#sessions()).filter(({ role }) => roles.includes(role));
    await this.fleet.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE ${ofSessions(lost)}`);
  }

  /** Once the coordinator has said so many times that it has taken the snapshot over, and where it holds it now. */
  async isTakenOver(times: number): Promise<void> {
    await this.fleet.until(
      () => Promise.resolve(this.#coordinator.stderr().match(TAKEN_OVER)?.length === times),
      `the snapshot is taken over (${times})`,
    );
    await this.isHeld(3);
  }

  async #sessions(): Promise<readonly HoldingSession[]> {
    const rows = await this.fleet.log(`SELECT role, snapshot::json #>> '{snapshot,token}' AS token,
      snapshot::json #>> '{snapshot,moment}' AS moment FROM export_workers WHERE snapshot IS NOT NULL`);
    // As the statement selects them.
    return rows as unknown as HoldingSession[];
  }

  /** Tries to empty a table over and over again in the meantime. @returns what the server said, each time */
  async whileTruncating(action: () => Promise<void>): Promise<readonly string[]> {
    const refusals: string[] = [];
    const over = new AbortController();
    const truncating = (async () => {
      while (!over.signal.aborted) {
        const answer = this.fleet.query("SET lock_timeout = '50ms'; TRUNCATE rows_s");
        refusals.push(await answer.then(() => 'truncated', String));
        await sleep(20);
      }
    })();
    await action().finally(() => over.abort());
    await truncating;
    return refusals;
  }

  async stateOf(table: string): Promise<unknown> {
    const [job] = await this.fleet.log(`SELECT state FROM export_jobs WHERE source_table = '${table}'`);
    return job?.['state'];
  }

  /** Lets workers go on. */
  async open(): Promise<void> {
    for (const gate of Object.values(GATES)) await this.fleet.open(gate);
  }

  /** Of the coordinator. */
  end(): RunningCli['result'] {
    return this.#coordinator.result;
  }

  /** Changes tables that are published, staged in part, and not read yet, all in one transaction. */
  async change(): Promise<void> {
    const changes = ['rows_b', 'rows_s'].map(
      (table) => `DELETE FROM ${table} WHERE i % 3 = 0;
        UPDATE ${table} SET t = 'other' WHERE i % 3 = 1;
        INSERT INTO ${table} SELECT i, 'new' FROM generate_series(2000, 2999) AS i;`,
    );
    await this.fleet.query(changes.join('\n'));
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
  differing(): Promise<readonly string[]> {
    return differingTables(path.join(this.fleet.output, 'public'), this.#sums);
  }

  manifest(table: string): { readonly consistency: string; readonly snapshot: unknown } {
    const file = path.join(this.fleet.output, 'public', `_${table}.manifest.json`);
    // As the manifest's schema says.
    return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<KeptRun['manifest']>;
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
