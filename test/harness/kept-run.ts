import path from 'node:path';

import type { ExpectStatic } from 'vitest';

import { exporterOf } from '../../src/sources/postgres/locking/held-locks.js';
import type { RunningCli } from './cli.js';
import type { TestFleet } from './fleet.js';
import { differingTables, type TableSums } from './table-sums.js';
import type { PostgresServer } from '../servers/postgres.js';

/** Views come first, and one of them keeps each worker until its gate is opened. */
const HELD = ['a_held', 'b_held'] as const;
const TABLES = ['t1', 't2'] as const;

export interface KeptRunOptions {
  /** Auth files of the workers: by default of two. */
  readonly auths?: readonly string[];
  readonly flags?: readonly string[];
}

/** A run with two workers, which hold its snapshot when its coordinator is killed. */
export class KeptRun {
  readonly fleet: TestFleet;
  readonly #sums: ReadonlyMap<string, TableSums>;
  readonly #coordinator: RunningCli;
  readonly #workers: RunningCli[] = [];

  private constructor(fleet: TestFleet, sums: ReadonlyMap<string, TableSums>, options: KeptRunOptions) {
    const { auths = ['auth', 'auth'], flags = [] } = options;
    this.fleet = fleet;
    this.#sums = sums;
    this.#coordinator = fleet.coordinate(...flags);
    for (const auth of auths) this.addWorker(auth);
  }

  addWorker(auth = 'auth'): void {
    this.#workers.push(this.fleet.work(`w${this.#workers.length}`, { auth }));
  }

  /** Makes what is read. */
  static async prepare(fleet: TestFleet): Promise<void> {
    for (const [index, name] of HELD.entries()) await fleet.addHeld(name, index + 1);
    for (const name of TABLES) await fleet.addTable(name);
  }

  /** Of what is prepared, with two gates that are shut. */
  static async begin(fleet: TestFleet, options: KeptRunOptions = {}): Promise<KeptRun> {
    const sums = new Map<string, TableSums>();
    for (const table of [...HELD, ...TABLES]) sums.set(table, await fleet.sums(table));
    await fleet.shut(1, 2);
    return new KeptRun(fleet, sums, options);
  }

  /** Until so many processes hold the run's snapshot, its coordinator included, and all workers are busy. */
  async isHeldBy(processes: number): Promise<void> {
    const { length } = this.#workers;
    await this.fleet.until(async () => (await this.fleet.busy('_held')) === length, 'all workers are busy');
    await this.fleet.until(
      async () => (await this.holders()) === processes,
      `${processes} processes hold the snapshot`,
    );
  }

  /** How many processes say that they hold the run's last snapshot. */
  async holders(): Promise<number> {
    const [row] = await this.fleet.log(`
      WITH held AS (SELECT role, joined_at, snapshot::json #>> '{snapshot,moment}' AS moment FROM export_workers
                     WHERE run_id = '${this.fleet.runId}')
      SELECT count(*)::int AS n FROM held
       WHERE moment = (SELECT moment FROM held WHERE role = 'coordinator' AND moment IS NOT NULL
                        ORDER BY joined_at DESC LIMIT 1)`);
    return Number(row?.['n']);
  }

  /** Ends the session of a keeper, as an administrator or a conflict with WAL replay does. */
  async endKeeper(on: PostgresServer): Promise<void> {
    const [row] = await this.fleet.log(`SELECT snapshot::json #>> '{snapshot,token}' AS token FROM export_workers
      WHERE run_id = '${this.fleet.runId}' AND role = 'worker' AND snapshot IS NOT NULL`);
    const holder = exporterOf(String(row?.['token']));
    const ended = await on.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'virtualxid' AND virtualtransaction = $1`,
      [holder],
    );
    if (ended.length !== 1) throw new Error(`${String(holder)} is no transaction in progress`);
  }

  async killCoordinator(): Promise<void> {
    this.#coordinator.kill('SIGKILL');
    await this.#coordinator.result;
  }

  /** Changes tables that are not read yet. */
  async change(): Promise<void> {
    for (const table of TABLES) {
      await this.fleet.query(`DELETE FROM ${table} WHERE i % 3 = 0;
        UPDATE ${table} SET t = 'other' WHERE i % 3 = 1;
        INSERT INTO ${table} SELECT i, 'new' FROM generate_series(2000, 2999) AS i;`);
    }
  }

  /** Starts the coordinator again, and lets everything be read once it has a snapshot. */
  async goOn(...flags: string[]): Promise<RunningCli> {
    const second = this.fleet.coordinate('--resume_if_exists', '--json', ...flags);
    await this.fleet.until(async () => {
      const [row] = await this.fleet.log(`SELECT count(*)::int AS n FROM export_workers
        WHERE run_id = '${this.fleet.runId}' AND role = 'coordinator' AND snapshot IS NOT NULL`);
      return row?.['n'] === 2;
    }, 'the second coordinator has a snapshot');
    await this.openGates();
    return second;
  }

  async openGates(): Promise<void> {
    for (const gate of [1, 2]) await this.fleet.open(gate);
  }

  /** Expects that the second coordinator and the workers have exported what the first one saw. */
  async endsInItsSnapshot(second: RunningCli, expect: ExpectStatic): Promise<void> {
    const { code, stdout, stderr } = await second.result;
    expect(stderr).not.toContain('a new snapshot');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ consistency: 'run' });
    for (const end of await this.workerResults()) expect(end.code).toBe(0);
    expect(await this.differing()).toEqual([]);
  }

  get coordinator(): RunningCli {
    return this.#coordinator;
  }

  workerResults() {
    return Promise.all(this.#workers.map(({ result }) => result));
  }

  /** What workers have said so far. */
  said(): string {
    return this.#workers.map((worker) => worker.stderr()).join('');
  }

  /** Tables whose files are not what they were when the run began. */
  differing(): Promise<readonly string[]> {
    return differingTables(path.join(this.fleet.output, 'public'), this.#sums);
  }
}
