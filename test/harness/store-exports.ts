import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { runCliHere } from './cli-here.js';
import { noiseOf } from './cli-storage-run.js';
import {
  type CliResult,
  postgresEntry,
  type RunningCli,
  startCli,
  temporaryDirectory,
  type TemporaryDirectory,
  writeAuthFile,
} from './cli.js';
import { storedIds } from './stored-ids.js';
import { type Fault, type FaultProxy, type ProxiedRequest, startFaultProxy } from '../servers/fault-proxy.js';
import { type PostgresServer, startPostgres } from '../servers/postgres.js';

const MIB = 1024 * 1024;
const BASE = 'exports';

/** A server that whole exports are tried on. */
export interface StoreUnderTest {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Of the running server. */
  port(): number;
  /** An empty bucket or container. */
  renew(): Promise<void>;
  /** Entry of the auth file; `base_path` and `part_size` are added. */
  entry(endpoint: string): { readonly storage_type: string; readonly info: Readonly<Record<string, unknown>> };
  /** Names of all objects that readers see, read by the service's own client. */
  names(): Promise<string[]>;
  read(name: string): Promise<Buffer>;
  /** Whether the request brings bytes of a large part. */
  isPartOfLarge(request: ProxiedRequest): boolean;
  /** How the service denies that, and what lakeport calls it. */
  readonly denial: Fault;
  readonly denialCode: string;
  /** Requests of one small table, and those of the whole run besides. */
  readonly requests: { readonly perTable: number; readonly perRun: number };
}

/** The whole program against a store, through a proxy that can be slow. */
export function describeExports(store: StoreUnderTest): void {
  let postgres: PostgresServer;
  let home: TemporaryDirectory;
  let proxy: FaultProxy;
  let requests: ProxiedRequest[];

  beforeAll(async () => {
    [postgres] = await Promise.all([startPostgres(), store.start()]);
  });
  afterAll(() => Promise.all([postgres.stop(), store.stop()]));

  beforeEach(async () => {
    await store.renew();
    home = await temporaryDirectory();
    proxy = await startFaultProxy({ port: store.port() });
    requests = [];
    proxy.breakBy((request) => {
      requests.push(request);
      return undefined;
    });
  });
  afterEach(async () => {
    await proxy.stop();
    await home.remove();
    await postgres.query('DROP SCHEMA public CASCADE');
    await postgres.query('CREATE SCHEMA public');
  });

  /** The command line of an export. */
  async function words(args: readonly string[]): Promise<string[]> {
    const { storage_type, info } = store.entry(proxy.endpoint);
    const auth = await writeAuthFile(home.path, {
      ds_pg: postgresEntry(postgres),
      lake: { storage_type, info: { ...info, base_path: BASE, part_size: '1 MiB' } },
    });
    return ['-a', auth, '--source_db_auth_id', 'ds_pg', '--target_storage_id', 'lake', '--json', ...args];
  }

  const surroundings = () => ({ env: { XDG_STATE_HOME: home.path } });

  /** In a process of its own. */
  async function start(...args: string[]): Promise<RunningCli> {
    return startCli(await words(args), surroundings());
  }

  async function run(...args: string[]): Promise<CliResult> {
    return runCliHere(await words(args), surroundings());
  }

  async function ids(table: string): Promise<number[]> {
    const parts = (await store.names()).filter((each) => each.startsWith(`${BASE}/public/${table}/part-`));
    const files: Buffer[] = [];
    for (const name of parts) files.push(await store.read(name));
    return storedIds(files, home.path);
  }

  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const hidden = async () => (await store.names()).filter((name) => name.includes('.lakeport'));

  /** About 20 MB that do not compress. */
  async function makeLargeTable(): Promise<void> {
    await postgres.query(
      `CREATE TABLE large AS SELECT i AS id, ${noiseOf('i', 512)} AS noise FROM generate_series(1, 60000) i`,
    );
    await postgres.query('ANALYZE large');
  }

  async function uploadBegun(): Promise<void> {
    const giveUpAt = Date.now() + 30_000;
    while (requests.filter((request) => store.isPartOfLarge(request)).length < 3) {
      if (Date.now() > giveUpAt) throw new Error('No bytes of the large table have come');
      await sleep(20);
    }
  }

  it('tables of all sizes arrive, each with manifest and _SUCCESS, and nothing else', async () => {
    await makeLargeTable();
    await postgres.query('CREATE TABLE small AS SELECT 1 AS id UNION ALL SELECT 2');
    await postgres.query('CREATE TABLE empty (id int)');
    const result = await run();
    expect(result.stderr + String(result.code)).toMatch(/0$/);
    expect((await ids('large')).sort((a, b) => a - b)).toEqual(upTo(60_000));
    expect(await ids('small')).toEqual([1, 2]);
    expect(await ids('empty')).toEqual([]);
    const names = await store.names();
    for (const table of ['large', 'small', 'empty']) {
      expect(names).toContain(`${BASE}/public/${table}/_SUCCESS`);
      expect(names).toContain(`${BASE}/public/_${table}.manifest.json`);
    }
    expect(await hidden()).toEqual([]);
  });

  it('slices without rows leave no gap in the numbers, and parts of the export before go', async () => {
    const readers = ['-p', '4', '--large_table_threshold', '1000'];
    const parts = async () => (await store.names()).filter((name) => name.includes('/part-'));
    await postgres.query('CREATE TABLE holes AS SELECT i AS id FROM generate_series(1, 1000000) i');
    await postgres.query('ANALYZE holes');
    expect((await run(...readers)).code).toBe(0);
    const full = await parts();
    await postgres.query('DELETE FROM holes WHERE id <= 999000');
    const result = await run(...readers);
    expect(result.stderr + String(result.code)).toMatch(/0$/);
    const fewer = await parts();
    expect(fewer.length).toBeLessThan(full.length);
    expect(fewer).toEqual(full.slice(0, fewer.length));
    expect(await ids('holes')).toEqual(upTo(1_000_000).slice(999_000));
    expect(await hidden()).toEqual([]);
  });

  it('files that are split by rows are numbered without gaps, in the order of the rows', async () => {
    await makeLargeTable();
    const result = await run('--max_rows_per_file', '9000', '-p', '2', '--large_table_threshold', '1000');
    expect(result.stderr + String(result.code)).toMatch(/0$/);
    const parts = (await store.names()).filter((name) => name.includes('/part-'));
    expect(parts).toEqual(
      parts.map((_, index) => `${BASE}/public/large/part-${String(index).padStart(5, '0')}.parquet`),
    );
    expect(parts.length).toBeGreaterThan(6);
    expect(await ids('large')).toEqual(upTo(60_000));
  });

  it('a small table costs few requests', async () => {
    for (let index = 0; index < 50; index++) await postgres.query(`CREATE TABLE t_${index} AS SELECT ${index} AS id`);
    const result = await run();
    expect(result.code).toBe(0);
    // How often the run looks whether its claim is still its own depends on the time that it takes.
    const looks = requests.filter(
      ({ method, url }) => (method === 'GET' || method === 'HEAD') && url.includes('.lakeport'),
    );
    expect(requests.length - looks.length).toBe(50 * store.requests.perTable + store.requests.perRun);
  });

  describe('a run that ends early', () => {
    let before: Map<string, string>;

    beforeEach(async () => {
      await makeLargeTable();
      expect((await run()).code).toBe(0);
      before = await contents();
      await postgres.query('UPDATE large SET id = -id');
      requests.length = 0;
    });

    async function contents(): Promise<Map<string, string>> {
      const found = new Map<string, string>();
      for (const name of await store.names()) {
        if (!name.includes('.lakeport'))
          found.set(
            name,
            createHash('sha256')
              .update(await store.read(name))
              .digest('hex'),
          );
      }
      return found;
    }

    it('by SIGTERM withdraws what it has staged, and leaves the earlier export as it was', async () => {
      proxy.throttle(4 * MIB);
      const running = await start();
      await uploadBegun();
      running.kill('SIGTERM');
      expect((await running.result).code).toBe(143);
      expect(await contents()).toEqual(before);
      expect(await hidden()).toEqual([]);
    });

    it('by kill -9 leaves the earlier export as it was, and the rest to the next run', async () => {
      proxy.throttle(4 * MIB);
      const running = await start();
      await uploadBegun();
      running.kill('SIGKILL');
      await running.result;
      expect(await contents()).toEqual(before);
      expect(await hidden()).not.toEqual([]);

      proxy.throttle(undefined);
      expect((await run()).code).toBe(0);
      expect((await ids('large')).every((id) => id < 0)).toBe(true);
      expect(await hidden()).toEqual([]);
    });

    it('for a permission that is taken away fails the table by name, and leaves the earlier export', async () => {
      await postgres.query('CREATE TABLE small AS SELECT 1 AS id');
      let parts = 0;
      proxy.breakBy((request) => (store.isPartOfLarge(request) && ++parts > 2 ? store.denial : undefined));
      const result = await run();
      expect(result.code).toBe(3);
      expect(result.stdout).toContain(store.denialCode);
      expect(await ids('small')).toEqual([1]);
      expect([...(await contents())].filter(([name]) => name.includes('large'))).toEqual([...before]);
      expect(await hidden()).toEqual([]);
    });
  });
}
