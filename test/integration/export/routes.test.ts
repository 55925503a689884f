import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import { CliStorageRuns } from '../../harness/cli-storage-run.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** `--route` through the whole program: several stores in one run, each table in exactly one place. */

let postgres: PostgresServer;
let s3: CliStore;
let gcs: CliStore;
let azure: CliStore;
let runs: CliStorageRuns;

beforeAll(async () => {
  [postgres, s3, gcs, azure] = await Promise.all([
    startPostgres(),
    CLI_STORES.s3(),
    CLI_STORES.gcs(),
    CLI_STORES.azure(),
  ]);
});
afterAll(() => Promise.all([postgres.stop(), s3.stop(), gcs.stop(), azure.stop()]));

beforeEach(async () => {
  const unreachable = {
    storage_type: 's3',
    info: { ...info(s3), endpoint_url: 'http://127.0.0.1:1', connect_timeout: '500ms' },
  };
  const archive = { storage_type: 's3', info: { ...info(s3), storage_class: 'GLACIER_IR' } };
  const local = { storage_type: 'local', info: { directory: './disk' } };
  const unreadable = { storage_type: 'gcs', info: { ...info(gcs), credentials_file: '/nonexistent/key.json' } };
  runs = new CliStorageRuns(postgres, {
    s3_eu: s3,
    s3_archive: { entry: archive },
    gcs_cold: gcs,
    azure_cold: azure,
    disk: { entry: local },
    unreachable: { entry: unreachable },
    unreadable: { entry: unreadable },
  });
  await postgres.query(`CREATE SCHEMA sales; CREATE SCHEMA crm;
    CREATE TABLE sales.orders AS SELECT 1 AS id;
    CREATE TABLE sales.audit_log AS SELECT 2 AS id;
    CREATE TABLE crm.people AS SELECT 3 AS id;
    CREATE TABLE crm.audit_log AS SELECT 4 AS id;
    CREATE TABLE public.other AS SELECT 5 AS id`);
});
afterEach(async () => {
  runs.remove();
  for (const store of [s3, gcs, azure]) {
    store.proxy?.breakBy(() => undefined);
    await store.clear();
  }
  await postgres.query('DROP SCHEMA sales, crm CASCADE; DROP TABLE public.other');
});

/** Fields of a store's entry. */
function info({ entry }: CliStore): Record<string, unknown> {
  return entry['info'] as Record<string, unknown>;
}

/** Directories of a store that hold a complete table. */
async function tablesIn(store: CliStore): Promise<string[]> {
  const names = [...(await store.objects()).keys()];
  return names.filter((name) => name.endsWith('/_SUCCESS')).map((name) => path.posix.dirname(name));
}

async function filesOnDisk(directory: string): Promise<string[]> {
  return (await readdir(path.join(runs.directory, directory), { recursive: true })).sort();
}

describe('tables go', () => {
  test('each table takes the first matching route, and the rest go to the target', async () => {
    const flags = [
      ...['--target_storage_id', 'disk', '--sub_path', 'daily/{database}'],
      ...[
        '--route',
        '%.audit_%=azure_cold/archive',
        '--route',
        'sales.%,nothing=s3_eu',
        '--route',
        '%.people=gcs_cold',
      ],
    ];
    const { document: plan } = await runs.run('plan', ...flags);
    const places = Object.fromEntries(plan.tables.map(({ storage, path: place }) => [place, storage]));
    const planned = {
      [`${azure.shownBase}/archive/daily/postgres/crm/audit_log`]: 'azure_cold',
      [`${azure.shownBase}/archive/daily/postgres/sales/audit_log`]: 'azure_cold',
      [`${s3.shownBase}/daily/postgres/sales/orders`]: 's3_eu',
      [`${gcs.shownBase}/daily/postgres/crm/people`]: 'gcs_cold',
      './disk/daily/postgres/public/other': 'disk',
    };
    expect(places).toEqual(planned);

    const { document } = await runs.run('export', ...flags);
    expect(document).toMatchObject({ exit_code: 0, totals: { completed: 5 } });
    expect(Object.fromEntries(document.tables.map((table) => [table.path, table.storage]))).toEqual(planned);
    expect(await tablesIn(azure)).toEqual([
      'archive/daily/postgres/crm/audit_log',
      'archive/daily/postgres/sales/audit_log',
    ]);
    expect(await tablesIn(s3)).toEqual(['daily/postgres/sales/orders']);
    expect(await tablesIn(gcs)).toEqual(['daily/postgres/crm/people']);
    expect(await filesOnDisk('disk/daily/postgres')).toEqual([
      'public',
      'public/_other.manifest.json',
      'public/other',
      ...['_SUCCESS', 'part-00000.parquet'].map((name) => `public/other/${name}`),
    ]);
    for (const store of [s3, gcs, azure]) expect(await store.leftovers()).toEqual([]);
    const objects = await s3.objects();
    expect(await runs.query(objects, 'daily/postgres/sales/orders', 'SELECT id FROM parts')).toEqual([{ id: 1 }]);
    const manifest: unknown = JSON.parse(String(objects.get('daily/postgres/sales/_orders.manifest.json')));
    expect(manifest).toMatchObject({ storage: { kind: 's3' } });
  });

  test('tables without a route go to --output-dir', async () => {
    const { document } = await runs.run('export', '--output_dir', 'out', '--route', 'crm.%=s3_eu/copies/{run_id}');
    expect(document.totals).toMatchObject({ completed: 5 });
    expect(await tablesIn(s3)).toEqual(
      ['audit_log', 'people'].map((table) => `copies/${document.run_id}/crm/${table}`),
    );
    expect((await filesOnDisk('out')).filter((name) => name.endsWith('_SUCCESS'))).toEqual([
      'public/other/_SUCCESS',
      'sales/audit_log/_SUCCESS',
      'sales/orders/_SUCCESS',
    ]);
  });

  test('tables can go to two entries of one location, such as a bucket with two storage classes', async () => {
    const flags = ['--target_storage_id', 's3_eu', '--route', '%.audit_%=s3_archive', '--route', 'crm.%=disk'];
    const { document } = await runs.run('export', '--output_dir', './disk', ...flags.slice(2));
    expect(document.totals).toMatchObject({ completed: 5 });
    expect((await runs.run('export', ...flags)).document.totals).toMatchObject({ completed: 5 });
    expect(await tablesIn(s3)).toEqual(['crm/audit_log', 'public/other', 'sales/audit_log', 'sales/orders']);
    expect(await s3.leftovers()).toEqual([]);
  });
});

describe('a storage that no table goes to', () => {
  test('a storage without tables is not opened, even if it is the target', async () => {
    const flags = ['--target_storage_id', 'unreachable', '--route', 'no_such_table=unreadable', '--route', '%=disk'];
    const { document, stderr } = await runs.run('export', ...flags);
    expect(document).toMatchObject({ exit_code: 0, totals: { completed: 5 } });
    expect(stderr).toContain('No table is routed to unreadable by "no_such_table" of --route');
  });
});

describe('a storage that fails', () => {
  test('a storage that fails before the first row ends the run, and nothing is published', async () => {
    const { document } = await runs.run('export', '--target_storage_id', 's3_eu', '--route', 'crm.%=unreachable');
    expect(document).toMatchObject({ exit_code: 4, error: { code: 'S3_CONNECTION_REFUSED' } });
    expect((await s3.objects()).size).toBe(0);
    expect(await s3.leftovers()).toEqual([]);
  });

  test('a storage that fails during the run fails only its own tables', async () => {
    let uploads = 0;
    // The first four are those of the run itself: whether it may write, that it is alive, and which tables are its own.
    gcs.proxy?.breakBy(({ method, url }) =>
      method === 'POST' && url.includes('/upload/') && ++uploads > 4 ? { kind: 'answer', ...gcs.denial } : undefined,
    );
    const { document } = await runs.run('export', '--target_storage_id', 's3_eu', '--route', 'crm.%=gcs_cold');
    expect(document).toMatchObject({ exit_code: 3, totals: { completed: 3, failed: 2 } });
    expect(await tablesIn(s3)).toEqual(['public/other', 'sales/audit_log', 'sales/orders']);
    expect(await tablesIn(gcs)).toEqual([]);
    expect(await gcs.leftovers()).toEqual([]);
  });
});

describe('rejected before anything is written:', () => {
  test.each([
    ['a storage that the auth file does not have', ['--route', 'x=s3_ue'], 'UNKNOWN_ENTRY', /did you mean s3_eu/],
    [
      'a database as storage',
      ['--route', 'x=ds_pg'],
      'WRONG_KIND_OF_ENTRY',
      /is a database, where a storage is needed/,
    ],
    ['a route without storage', ['--route', 'sales.%'], 'BAD_ROUTE', /must be PATTERN=STORAGE_ID/],
    ['a path that leads upwards', ['--route', 'x=disk/../..'], 'BAD_SUB_PATH', /leads upwards/],
    ['an unknown token', ['--route', 'x=disk/{day}'], 'BAD_SUB_PATH', /--route has the unknown token \{day\}/],
    ['a table within another', ['--route', 'crm.%=disk/public/other'], 'PATHS_COLLIDE', /nested in each other/],
    [
      'the same by two entries',
      ['--output_dir', './disk/sales/orders', '--route', 'sales.%=disk'],
      'PATHS_COLLIDE',
      /nested in each other/,
    ],
  ])('%s', async (_, flags, code, message) => {
    const target = flags.includes('--output_dir') ? [] : ['--target_storage_id', 'disk'];
    const { document } = await runs.run('export', ...target, ...flags);
    expect(document).toMatchObject({
      exit_code: 2,
      error: { code, message: expect.stringMatching(message) as string },
    });
    expect(await readdir(runs.directory)).not.toContain('disk');
  });
});
