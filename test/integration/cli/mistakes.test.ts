import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../../../src/embedded-postgres/free-port.js';
import {
  postgresEntry,
  runCli,
  temporaryDirectory,
  writeAuthFile,
  type TemporaryDirectory,
} from '../../harness/cli.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/*
 * What people get wrong. Each time: the right exit code, a sentence that names what is wrong, a way out, no stack trace,
 * no secret, and nothing written.
 */

const PASSWORD = 'sEcr3t-Marker';

let server: PostgresServer;
let directory: TemporaryDirectory;
let auth: string;
let closedPort: number;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}';
    CREATE SCHEMA shop; CREATE TABLE shop.orders AS SELECT 1 AS id; CREATE TABLE shop.customers AS SELECT 1 AS id;
    GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO reader`);
  directory = await temporaryDirectory();
  closedPort = await freePort();
  const reader = { username: 'reader', password: PASSWORD };
  auth = await writeAuthFile(directory.path, {
    ds_pg: postgresEntry(server, reader),
    ds_wrong_password: postgresEntry(server, { ...reader, password: `${PASSWORD}-wrong` }),
    ds_unknown_host: postgresEntry(server, { ...reader, server: 'no-such-host.invalid' }),
    ds_closed_port: postgresEntry(server, { ...reader, port: closedPort, connect_timeout: '1s' }),
    ds_no_database: postgresEntry(server, { ...reader, database: 'no_such_database' }),
    lake: { storage_type: 'local', info: { directory: path.join(directory.path, 'lake') } },
  });
  await writeFile(path.join(directory.path, 'file'), '');
});
afterAll(async () => {
  await directory.remove();
  await server.stop();
});

interface Mistake {
  readonly what: string;
  readonly code: number;
  /** All must be found in what is printed. */
  readonly says: readonly RegExp[];
  /** In place of the good command line's. */
  readonly auth?: string;
  readonly source?: string;
  readonly output?: string;
  readonly more?: readonly string[];
}

const MISTAKES: readonly Mistake[] = [
  { what: 'no auth file', code: 2, auth: 'missing.json', says: [/missing\.json/] },
  { what: 'an auth file that is not JSON', code: 2, auth: 'broken.json', says: [/broken\.json/, /line 2|:2/] },
  {
    what: 'wrong types in the auth file',
    code: 2,
    auth: 'types.json',
    says: [/ds_a/, /port/, /ds_b/, /passwrd/, /did you mean/i],
  },
  { what: 'an id that the auth file does not have', code: 2, source: 'ds_pq', says: [/ds_pq/, /ds_pg/] },
  { what: 'a wrong password', code: 4, source: 'ds_wrong_password', says: [/password/i, /reader/] },
  { what: 'an unknown host', code: 4, source: 'ds_unknown_host', says: [/no-such-host\.invalid/] },
  { what: 'a port where nothing listens', code: 4, source: 'ds_closed_port', says: [/refused|nothing listens/i] },
  { what: 'a database that does not exist', code: 4, source: 'ds_no_database', says: [/no_such_database/] },
  { what: 'a table that no pattern finds', code: 2, more: ['-i', 'oders'], says: [/oders/, /shop\.orders/] },
  { what: 'a bad pattern', code: 2, more: ['-i', 'orders\\'], says: [/orders\\/] },
  { what: 'no jobs', code: 2, more: ['--n_jobs', '0'], says: [/n-jobs/] },
  { what: 'a sub path that leads out', code: 2, more: ['--sub_path', '../x'], says: [/sub-path/] },
  { what: 'an output directory that is a file', code: 2, output: 'file', says: [/file/] },
  { what: 'no destination', code: 2, output: '', says: [/output-dir/, /target-storage-id/] },
  {
    what: 'a storage that the auth file does not have',
    code: 2,
    output: '',
    more: ['--target_storage_id', 'lkae'],
    says: [/no entry "lkae"/, /did you mean lake/],
  },
  {
    what: 'a database as storage',
    code: 2,
    output: '',
    more: ['--target_storage_id', 'ds_pg'],
    says: [/ds_pg .* is a database, where a storage is needed/, /storages are: lake/],
  },
  {
    what: 'a storage as source',
    code: 2,
    source: 'lake',
    says: [/lake .* is a storage, where a database is needed/, /databases are: ds_pg/],
  },
  { what: 'two destinations', code: 2, more: ['--target_storage_id', 'x'], says: [/output-dir/, /target-storage-id/] },
  { what: 'an unknown flag', code: 2, more: ['--compresion_type', 'Zstd'], says: [/compression-type/] },
  { what: 'an unknown codec', code: 2, more: ['--compression_type', 'brotli'], says: [/brotli/i, /Zstd/] },
];

describe('a mistake', () => {
  beforeAll(async () => {
    await writeFile(path.join(directory.path, 'broken.json'), '{\n  "ds_pg": {,}\n}', { mode: 0o600 });
    const broken = {
      ds_a: {
        ds_type: 'postgres',
        auth_mode: 'classic',
        info: { server: 'a', port: 'x', database: 'd', username: 'u', password: PASSWORD },
      },
      ds_b: {
        ds_type: 'postgres',
        auth_mode: 'classic',
        info: { server: 'a', database: 'd', username: 'u', passwrd: PASSWORD },
      },
    };
    await writeFile(path.join(directory.path, 'types.json'), JSON.stringify(broken, undefined, 2), { mode: 0o600 });
  });

  it.each(MISTAKES)('$what', async ({ code, says, auth: otherAuth, source = 'ds_pg', output = 'out', more = [] }) => {
    const out = path.join(directory.path, 'out');
    const destination = output === '' ? [] : ['--output_dir', path.join(directory.path, output)];
    const file = otherAuth === undefined ? auth : path.join(directory.path, otherAuth);
    const before = await readdir(directory.path);
    const result = await runCli(['-a', file, '--source_db_auth_id', source, ...destination, ...more]);

    expect(result.stdout).toBe('');
    for (const pattern of says) expect(result.stderr).toMatch(pattern);
    expect(result.stderr).toMatch(/hint|usage|must be/i);
    expect(result.stderr).not.toMatch(/^\s+at .*\.(js|ts):\d+/m);
    expect(result.stderr).not.toContain(PASSWORD);
    expect(result.code).toBe(code);
    if (existsSync(out)) expect(await readdir(out)).toEqual([]);
    await rm(out, { recursive: true, force: true });
    expect(await readdir(directory.path)).toEqual(before);
  });
});

describe('a table that changes while the run goes on', () => {
  it.each([
    ['dropped', 'DROP TABLE shop.changing'],
    ['altered', 'ALTER TABLE shop.changing DROP COLUMN v'],
  ])('is %s after it is read', async (_, change) => {
    await server.query(
      'CREATE TABLE shop.changing AS SELECT n AS id, md5(n::text) AS v FROM generate_series(1, 400000) n',
    );
    const owner = await server.connect();
    await owner.query("SET lock_timeout = '20s'");
    const out = path.join(directory.path, 'changing');
    await mkdir(out);
    await server.query('GRANT SELECT ON shop.changing TO reader');
    const running = runCli([
      '-a',
      auth,
      '--source_db_auth_id',
      'ds_pg',
      '--output_dir',
      out,
      '-i',
      'changing',
      '-p',
      '1',
      '--json',
    ]);
    await waitUntil(async () => {
      const [row] = await server.query(
        "SELECT count(DISTINCT pid)::int AS n FROM pg_locks WHERE relation = to_regclass('shop.changing') AND mode = 'AccessShareLock'",
      );
      // The planner, and the reader.
      return Number(row?.['n']) > 1;
    });
    // Waits for the run's lock, and comes after it.
    await owner.query(change);
    await owner.end();
    const result = await running;
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ totals: { rows: 400_000 } });
    await rm(out, { recursive: true });
    await server.query('DROP TABLE IF EXISTS shop.changing');
  });
});

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
