import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CliResult } from './cli.js';
import type { CliStore } from './cli-stores/index.js';
import { LoggedUser } from './logged-cli.js';
import type { PostgresServer } from '../servers/postgres.js';
import { fileSums, type TableSums } from './table-sums.js';

const CRASH_POINTS = new URL('./crash-points.js', import.meta.url).href;

/** Slices of the large table, which two readers share: six readers would cost each run two more seconds of a processor. */
export const BIG_SLICES = 6;

/** Creates the large table. It has 30,000 rows; the server's estimate says 250,000 for each slice, the fewest that a slice has. */
export async function createBig(server: PostgresServer, name: string): Promise<void> {
  await server.query(`CREATE TABLE ${name} WITH (autovacuum_enabled = false) AS
      SELECT i::bigint, md5(i::text) || repeat('x', 100) AS t FROM generate_series(1, 30000) i;
    CREATE INDEX ON ${name} (i);
    ANALYZE ${name};
    UPDATE pg_class SET reltuples = ${BIG_SLICES * 250_000} WHERE oid = '${name}'::regclass`);
}

/** Flags that read the large table in its slices. */
export function bigBySlices(name: string): string[] {
  return ['--table_config', `${name}:RangeId:i:2`, '-p', '2'];
}

export interface StoppedRun {
  readonly runId: string;
  /** To its end. */
  goOn(): Promise<CliResult>;
}

/** Exports that are killed at chosen points, and resumed. */
export class KilledRuns {
  readonly user: LoggedUser;
  readonly #store: CliStore;
  readonly #flags: readonly string[];

  private constructor(user: LoggedUser, store: CliStore, flags: readonly string[]) {
    this.user = user;
    this.#store = store;
    this.#flags = flags;
  }

  static async start(server: PostgresServer, store: CliStore, flags: readonly string[]): Promise<KilledRuns> {
    const user = new LoggedUser(server);
    await user.authorize({ lake: store.entry });
    return new KilledRuns(user, store, flags);
  }

  /** Exports to the end, in this process. */
  export(): Promise<CliResult> {
    return this.user.run(...this.#command());
  }

  /** Exports to the end, in a process of its own with these variables. */
  exportWith(env: Readonly<Record<string, string>>): Promise<CliResult> {
    return this.user.start(this.#command(), { env }).result;
  }

  /** An export of another machine that is suspended, as by SIGSTOP, until told to continue. */
  async stoppedAt(point: string, env: Readonly<Record<string, string>> = {}): Promise<StoppedRun> {
    const runId = randomUUID();
    const run = this.user.start([...this.#command(), '--run_id', runId], {
      env: {
        NODE_OPTIONS: `--import ${CRASH_POINTS}`,
        LAKEPORT_TEST_CRASH: point,
        LAKEPORT_TEST_CRASH_STORE: this.#store.kind,
        LAKEPORT_TEST_CRASH_SIGNAL: 'SIGSTOP',
        LAKEPORT_TEST_HOST: 'elsewhere',
        ...env,
      },
    });
    const pid = run.child.pid ?? 0;
    const ended = run.result.then(({ code, stderr }) => {
      throw new Error(`the run came past the point, and ended with ${code}:\n${stderr}`);
    });
    await Promise.race([isStopped(pid), ended]);
    ended.catch(() => undefined);
    return {
      runId,
      goOn: () => {
        process.kill(pid, 'SIGCONT');
        return run.result;
      },
    };
  }

  /** An export that is killed. Returns the run's id. */
  async killedAt(point: string, options: { readonly isLogged?: boolean } = {}): Promise<string> {
    const runId = randomUUID();
    const env = {
      NODE_OPTIONS: `--import ${CRASH_POINTS}`,
      LAKEPORT_TEST_CRASH: point,
      LAKEPORT_TEST_CRASH_STORE: this.#store.kind,
      ...(options.isLogged === true && { LAKEPORT_TEST_CRASH_LOGGED: 'true' }),
    };
    const { signal, code, stderr } = await this.user.start([...this.#command(), '--run_id', runId], { env }).result;
    if (signal !== 'SIGKILL') throw new Error(`the run came past the point, and ended with ${code}:\n${stderr}`);
    return runId;
  }

  resume(runId: string, ...more: string[]): Promise<CliResult> {
    return this.user.run('--resume', runId, '-a', 'auth.json', ...more);
  }

  /** What is in the store that a reader would take for the table's data. */
  async sums(schema: string, table: string): Promise<TableSums> {
    const directory = path.join(this.user.directory, 'read', randomUUID());
    mkdirSync(directory, { recursive: true });
    let number = 0;
    for (const [name, bytes] of await this.#store.objects()) {
      if (!name.startsWith(`${schema}/${table}/`) || !name.endsWith('.parquet')) continue;
      writeFileSync(path.join(directory, `${number++}.parquet`), bytes);
    }
    return fileSums(directory);
  }

  #command(): string[] {
    const source = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--target_storage_id', 'lake'];
    return [...source, ...this.#flags];
  }
}

/** Settles when the kernel has stopped the process: the state in /proc/PID/stat (proc(5)) is T. */
export async function isStopped(pid: number): Promise<void> {
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined) return new Promise(() => undefined);
    if (/\) T /.test(stat)) return;
    await sleep(20);
  }
}
