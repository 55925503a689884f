import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, temporaryDirectory, type TemporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { parseDocument } from '../../harness/json-document.js';

/* A command line becomes a job file, which does the same. */

let home: TemporaryDirectory;
let auth: string;

beforeAll(async () => {
  home = await temporaryDirectory();
  const file = path.join(home.path, 'shop.db');
  const database = new DatabaseSync(file);
  database.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); CREATE TABLE items (id INTEGER PRIMARY KEY);
    CREATE TABLE other (id INTEGER); INSERT INTO orders VALUES (1, 'a'), (2, 'b'); INSERT INTO items VALUES (1)`);
  database.close();
  auth = await writeAuthFile(home.path, { lite: { ds_type: 'sqlite', info: { filepath: file } } });
});
afterAll(() => home.remove());

interface Document {
  readonly exit_code: number;
  readonly tables: readonly { readonly table: string; readonly rows?: number }[];
  readonly error?: { readonly code: string; readonly message: string };
}

async function document(...args: readonly string[]): Promise<Document> {
  return parseDocument((await runCli([...args, '--json'])).stdout) as Document;
}

describe('a job file', () => {
  it('that lakeport plan saves exports what the plan has shown, and gives way to the command line', async () => {
    const job = path.join(home.path, 'job.yaml');
    const flags = ['-a', auth, '--source-db-auth-id', 'lite', '--output-dir', path.join(home.path, 'out')];
    const planned = await document('plan', ...flags, '-e', 'other', '--compression-type', 'Snappy', '--save', job);
    expect(planned.tables.map(({ table }) => table).sort()).toEqual(['items', 'orders']);
    expect(await readFile(job, 'utf8')).toMatch(/^exclude: other\n(?:.*\n)*compression_type: Snappy$/m);

    const exported = await document('--config', job);
    expect(exported).toMatchObject({ exit_code: 0 });
    expect(Object.fromEntries(exported.tables.map(({ table, rows }) => [table, rows]))).toEqual({
      items: 1,
      orders: 2,
    });
    const fewer = await document('plan', '--config', job, '--exclude', 'items', '-i', 'items,orders');
    expect(fewer.tables.map(({ table }) => table)).toEqual(['orders']);
  });

  it('with a mistake is told by line and column, before anything is opened', async () => {
    const job = path.join(home.path, 'wrong.yaml');
    await writeFile(job, 'auth_file: auth.json\nsource_db_id: lite\n');
    const { exit_code: code, error } = await document('--config', job);
    expect({ code, error: error?.code }).toEqual({ code: 2, error: 'JOB_FILE_INVALID' });
    expect(error?.message).toMatch(/wrong.yaml, line 2, column 1: there is no setting "source_db_id"; did you mean/);
    expect((await document('-r', '12345678', '-a', auth, '--config', job)).error?.code).toBe('FLAG_CONFLICT');
  });
});
