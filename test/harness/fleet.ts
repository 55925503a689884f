import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

import type { CliStore } from './cli-stores/index.js';
import { BIN, postgresEntry, type RunningCli, startCli, startProgram, writeAuthFile } from './cli.js';
import { ScratchDirectory } from './scratch.js';
import { fileSums, serverSums, type TableSums } from './table-sums.js';
import type { PostgresServer } from '../servers/postgres.js';

/** What a worker's user of the log needs, as docs/operations/scale-out.md says. */
const WORKER_GRANTS = `
  GRANT SELECT ON lakeport_migrations, export_runs, runs, export_workers TO %I;
  GRANT INSERT, UPDATE ON export_workers TO %I;
  GRANT USAGE ON SCHEMA lakeport_queue TO %I;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lakeport_queue TO %I;`;

export interface LoggedWorkerRow {
  readonly name: string;
  readonly role: string;
  readonly processId: number;
  readonly slices: readonly { readonly table: string }[];
}

/** A source database with tables that tests can hold back, and runs of it whose slices workers read. */
export class TestFleet {
  runId = randomUUID();
  readonly #server: PostgresServer;
  readonly #readServer: PostgresServer;
  readonly #logServer: PostgresServer;
  readonly #database: string;
  readonly #node: string;
  readonly #scratch = new ScratchDirectory();
  readonly #started: RunningCli[] = [];
  readonly #store: CliStore | undefined;
  #gate: pg.Client | undefined;

  private constructor(server: PostgresServer, options: TestFleetOptions) {
    const { name: database, node, store, logServer = server, standby = server } = options;
    this.#store = store;
    this.#server = server;
    this.#readServer = standby;
    this.#logServer = logServer;
    // Once, before anybody runs it: a program that is being written cannot be started.
    mkdirSync(path.dirname(this.#command));
    writeFileSync(this.#command, `#!/bin/sh\nexec '${node}' '${BIN}' "$@"\n`, { mode: 0o755 });
    this.#database = database;
    this.#node = node;
  }

  /** Creates the databases `name` and `name_log`, and in it the log. */
  static async create(server: PostgresServer, options: TestFleetOptions) {
    const { name, logServer = server } = options;
    await server.query(`CREATE DATABASE ${name}`);
    await logServer.query(`CREATE DATABASE ${name}_log`);
    await logServer.query(`CREATE ROLE ${name}_worker LOGIN PASSWORD 'secret'`);
    const fleet = new TestFleet(server, options);
    await fleet.query(`
      CREATE FUNCTION held(i bigint, gate int) RETURNS bigint LANGUAGE plpgsql AS $$
        BEGIN
          IF i = 500 THEN PERFORM pg_advisory_lock_shared(gate); END IF;
          RETURN i;
        END $$;`);
    await fleet.authorize();
    return fleet;
  }

  get directory(): string {
    return this.#scratch.path;
  }

  get output(): string {
    return path.join(this.#scratch.path, 'out');
  }

  query(sql: string): Promise<Record<string, unknown>[]> {
    return this.#server.query(sql, undefined, this.#database);
  }

  log(sql: string): Promise<Record<string, unknown>[]> {
    return this.#logServer.query(sql, undefined, `${this.#database}_log`);
  }

  /** Writes the auth file. @param through leads to the server, for this file alone */
  authorize(
    file = 'auth',
    {
      through = this.#readServer,
      logThrough = this.#logServer === this.#readServer ? through : this.#logServer,
      source = {},
      log: ofLog = {},
      worker = false,
      entries: more = {},
      without = [],
    }: AuthorizeOptions = {},
  ): Promise<string> {
    const at = ({ host, port }: Address) => ({ ...this.#server, host, port });
    const user = worker ? { username: `${this.#database}_worker` } : {};
    const log = postgresEntry(at(logThrough), { database: `${this.#database}_log`, ...user, ...ofLog });
    const entries = {
      ...(this.#store && { lake: this.#store.entry }),
      ds_pg: postgresEntry(at(through), { database: this.#database, ...source }),
      log,
      // As the documentation calls it.
      log_pg: log,
      ...more,
    };
    const kept = Object.fromEntries(Object.entries(entries).filter(([id]) => !without.includes(id)));
    return writeAuthFile(this.#scratch.path, kept, `${file}.json`);
  }

  /** A table of 1,000 rows. */
  async addTable(name: string): Promise<void> {
    await this.query(
      `CREATE TABLE ${name} AS SELECT i, md5(i::text || '${name}') AS t FROM generate_series(1::bigint, 1000) i`,
    );
  }

  /** What the server holds of a table. */
  sums(table: string): Promise<TableSums> {
    return serverSums(this.#server, table, this.#database);
  }

  /** A view whose readers stop in the middle until `open`, one gate each. */
  async addHeld(name: string, gate: number): Promise<void> {
    await this.query(`CREATE VIEW ${name} AS
      SELECT held(i, ${gate}) AS i, md5(i::text || '${name}') AS t FROM generate_series(1::bigint, 1000) i`);
  }

  async shut(...gates: number[]): Promise<void> {
    await this.#gate?.end();
    this.#gate = await this.#readServer.connect({ database: this.#database, options: '-c idle_session_timeout=0' });
    for (const gate of gates) await this.#gate.query('SELECT pg_advisory_lock($1)', [gate]);
  }

  async open(gate: number): Promise<void> {
    await this.#gate?.query('SELECT pg_advisory_unlock($1)', [gate]);
  }

  /** What is started from here on is of another run. */
  beginNextRun(): void {
    this.runId = randomUUID();
  }

  /** `lakeport --workers external`. */
  coordinate(...more: string[]): RunningCli {
    return this.coordinateFrom('ds_pg', '--include_views', ...more);
  }

  /** The same from another source of the auth file. */
  coordinateFrom(source: string, ...more: string[]): RunningCli {
    const target = this.#store === undefined ? ['--output_dir', this.output] : ['--target_storage_id', 'lake'];
    return this.#start([
      ...['-a', 'auth.json', '--source_db_auth_id', source, ...target],
      ...['--log_db_auth_id', 'log', '--run_id', this.runId, '--workers', 'external', ...more],
    ]);
  }

  /** `lakeport` with these flags, and the auth file. */
  run(...argv: string[]): RunningCli {
    return this.#start([...argv, '-a', 'auth.json']);
  }

  /** Any program, for which `lakeport` is a command. */
  launch(command: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCli {
    const cwd = this.#scratch.path;
    const running = startProgram(command, { cwd, env: { ...this.environment, ...env }, timeoutMs: 200_000 });
    this.#started.push(running);
    return running;
  }

  /** Of programs that start lakeport by its name. */
  get environment(): Record<string, string> {
    const state = path.join(this.#scratch.path, 'state');
    const { PATH = '' } = process.env;
    const programs = path.dirname(this.#command);
    return { PATH: `${programs}:${PATH}`, HOME: this.#scratch.path, XDG_STATE_HOME: state, RUN_ID: this.runId };
  }

  get #command(): string {
    return path.join(this.#scratch.path, 'programs', 'lakeport');
  }

  /** `lakeport work`, with one slice at a time. */
  work(name: string, { auth = 'auth', flags = [], within }: WorkOptions = {}): RunningCli {
    const own = ['--run_id', this.runId, '-a', `${auth}.json`, '--log_db_auth_id', 'log', '--name', name];
    return this.#start(['work', ...own, '-p', '1', ...flags], within);
  }

  /** Once a coordinator has made the queue. */
  grantWorker(): Promise<unknown> {
    return this.log(WORKER_GRANTS.replaceAll('%I', `${this.#database}_worker`));
  }

  /** Of all runs: launchers choose ids of their own. */
  async workers(): Promise<readonly LoggedWorkerRow[]> {
    const rows = await this.log(`
      SELECT name, role, process_id::int4 AS "processId", slices FROM export_workers ORDER BY joined_at`);
    // As the statement selects them.
    return (rows as { name: string; role: string; processId: number; slices: string }[]).map((row) => ({
      ...row,
      slices: JSON.parse(row.slices) as LoggedWorkerRow['slices'],
    }));
  }

  /** The process that reads the table, other than this one, as soon as there is one. */
  async readerOf(table: string, other = 0): Promise<LoggedWorkerRow> {
    let reader: LoggedWorkerRow | undefined;
    await this.until(async () => {
      const reads = ({ slices }: LoggedWorkerRow) => slices.some((slice) => slice.table === `public.${table}`);
      reader = (await this.workers()).find((worker) => reads(worker) && worker.processId !== other);
      return reader !== undefined;
    }, `somebody reads ${table}`);
    return reader!;
  }

  /** Whether somebody reads the view, and waits for its gate. */
  async isHeld(view: string): Promise<boolean> {
    const waiting = "SELECT query FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()";
    return (await this.query(waiting)).some(({ query }) => String(query).includes(view));
  }

  /** How many workers read a table whose name contains this. */
  async busy(name: string): Promise<number> {
    const reads = ({ slices }: LoggedWorkerRow) => slices.some(({ table }) => table.includes(name));
    return (await this.workers()).filter(reads).length;
  }

  /** What an autoscaler asks for. */
  async waiting(): Promise<number> {
    return Number((await this.log('SELECT count(*) FROM lakeport_waiting_slices'))[0]?.['count']);
  }

  /** Waits until the named worker reads the table. */
  async reads(name: string, table: string): Promise<void> {
    await this.until(async () => {
      const found = (await this.workers()).filter((worker) => worker.name === name);
      return found.some(({ slices }) => slices.some((slice) => slice.table === `public.${table}`));
    }, `${name} reads ${table}`);
  }

  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    const end = performance.now() + 90_000;
    while (!(await condition().catch(() => false))) {
      if (performance.now() > end) throw new Error(`waited in vain until ${what}:\n${this.#outputs()}`);
      await sleep(100);
    }
  }

  /** Writes the store's files of tables to `output`, as they are there. */
  async download(): Promise<void> {
    for (const [name, content] of (await this.#store?.objects()) ?? []) {
      const file = path.join(this.output, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }

  /** Names of the tables whose files are not exactly what the server holds. */
  async wrongTables(tables: readonly string[]): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const table of tables) {
      const expected = await this.sums(table);
      const found = await fileSums(path.join(this.output, 'public', table)).catch(() => undefined);
      if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push(table);
    }
    return wrong;
  }

  /** Hidden files of the destination, and rows of the queue. */
  async leftovers(): Promise<readonly unknown[]> {
    const names = readdirSync(this.output, { recursive: true, encoding: 'utf8' });
    const hidden = names.filter((name) => path.basename(name).startsWith('.'));
    return [...hidden, ...(await this.log('SELECT name, state::text FROM lakeport_queue.job'))];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  async remove(): Promise<void> {
    for (const { child } of this.#started) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    }
    await Promise.all(this.#started.map(({ result }) => result));
    await this.#gate?.end();
    this.#scratch.remove();
  }

  #start(argv: readonly string[], within?: readonly string[]): RunningCli {
    const running = startCli(argv, {
      cwd: this.#scratch.path,
      env: { XDG_STATE_HOME: path.join(this.#scratch.path, 'state') },
      node: this.#node,
      timeoutMs: 200_000,
      ...(within && { within }),
    });
    this.#started.push(running);
    return running;
  }

  #outputs(): string {
    return this.#started.map((one) => `${one.child.spawnargs.slice(2, 6).join(' ')}\n${one.stderr()}`).join('\n');
  }
}

export interface TestFleetOptions {
  readonly name: string;
  readonly node: string;
  /** In place of a directory. */
  readonly store?: CliStore | undefined;
  /** The log's, if it is not that of the source. */
  readonly logServer?: PostgresServer;
  /** Of the server, from which tables are read. */
  readonly standby?: PostgresServer;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

interface WorkOptions {
  readonly auth?: string;
  readonly flags?: readonly string[];
  /** See `CliOptions`. */
  readonly within?: readonly string[];
}

interface AuthorizeOptions {
  readonly through?: Address;
  /** Leads to the log's server; by default the same, if source and log are on one. */
  readonly logThrough?: Address;
  /** Fields of the source's entry. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** Further ones. */
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly without?: readonly string[];
  /** Fields of the log's entry. */
  readonly log?: Readonly<Record<string, unknown>>;
  /** With the log's user of workers, instead of its owner. */
  readonly worker?: boolean;
}
