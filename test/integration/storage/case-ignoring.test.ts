import { readdirSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { EXIT_CODES } from '../../../src/errors.js';
import { foldsNames, seemsToFoldNames } from '../../../src/storage/local/name-rules.js';
import { CliStorageRuns } from '../../harness/cli-storage-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { mountExfat } from '../../harness/scratch.js';
import { saySkipped } from '../../harness/skipped.js';

const mounted = mountExfat();
if ('missing' in mounted) saySkipped('a file system that ignores case', mounted.missing);

describe.skipIf('missing' in mounted)('a file system that ignores case', () => {
  const disk = 'missing' in mounted ? '' : mounted.path;
  const base = path.join(disk, 'lake');
  let postgres: PostgresServer;
  let runs: CliStorageRuns;

  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.query(`CREATE TABLE orders AS SELECT 1 AS id; CREATE TABLE "Orders" AS SELECT 2 AS id;`);
    const entry = (directory: string) => ({ entry: { storage_type: 'local', info: { directory } } });
    runs = new CliStorageRuns(postgres, { disk: entry(base), other: entry(path.join(disk, 'other')) });
  });
  afterAll(async () => {
    runs.remove();
    await postgres.stop();
    if ('unmount' in mounted) mounted.unmount();
  });

  it('is known by a file that is made there, and by those that are there', async () => {
    expect(await foldsNames(disk)).toBe(true);
    expect(readdirSync(disk)).toEqual([]);
    expect(await seemsToFoldNames(path.join(disk, 'new'))).toBe(true);
    expect(readdirSync(disk)).toEqual([]);
  });

  it('takes tables whose names differ in case only where each has a place of its own', async () => {
    const refused = await runs.run('export', '--target_storage_id', 'disk');
    expect(refused).toMatchObject({ code: EXIT_CODES.usage, document: { error: { code: 'PATHS_COLLIDE' } } });
    const flags = ['--target_storage_id', 'disk', '--route', 'public.Orders=other'];
    expect((await runs.run('export', ...flags)).document.totals).toMatchObject({ completed: 2 });
    for (const [at, id] of [
      [path.join(base, 'public/orders'), 1],
      [path.join(disk, 'other/public/Orders'), 2],
    ] as const) {
      expect(await queryDuckDb(`SELECT id FROM ${quote(path.join(at, '*.parquet'))}`)).toEqual([{ id }]);
    }
  });

  it('is known to the plan, too, once there are files', async () => {
    const planned = await runs.run('plan', '--target_storage_id', 'disk');
    expect(planned).toMatchObject({ code: EXIT_CODES.usage, document: { error: { code: 'PATHS_COLLIDE' } } });
    expect(planned.document.error?.message).toMatch(
      /public\.orders.*public\."?Orders|public\."?Orders.*public\.orders/,
    );
  });
});
