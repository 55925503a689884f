import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openStorage } from '../../../src/stores.js';
import { parseDocument } from '../../harness/json-document.js';
import { SyncedLake } from '../../harness/synced-lake.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** `lakeport compact`. */

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

interface CompactDocument {
  readonly exit_code: number;
  readonly run_id: string;
  readonly tables: readonly Readonly<Record<string, unknown>>[];
  readonly error?: { readonly code: string };
}

async function compact(lake: SyncedLake, ...args: string[]): Promise<CompactDocument> {
  const { code, stdout } = await lake.user.run('compact', ...args, '--json');
  const document = parseDocument(stdout) as CompactDocument;
  expect(document.exit_code).toBe(code);
  return document;
}

/** A table of which rows 1 to 6 are in three versions, in as many syncs. */
async function lakeOf(schema: string, key = 'PRIMARY KEY (id)'): Promise<SyncedLake> {
  await server.query(
    `CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.t (id int, v int NOT NULL, CHECK (v > 0)${key && `, ${key}`})`,
  );
  const lake = await SyncedLake.of(server, schema, ['--incremental_table', `${schema}.t:v:integer`]);
  for (const version of [1, 2, 3]) {
    await server.query(`DELETE FROM ${schema}.t WHERE id > ${(version - 1) * 2};
      INSERT INTO ${schema}.t SELECT i, ${version} FROM generate_series(${version * 2 - 1}, 6) i`);
    await lake.sync();
  }
  return lake;
}

const VERSIONS = ['1 1', '2 1', '3 2', '4 2', '5 3', '6 3'];

async function versions(lake: SyncedLake): Promise<string[]> {
  const rows = await lake.query('t', `id || ' ' || v AS row`);
  return rows.map(({ row }) => String(row)).sort();
}

describe('lakeport compact', () => {
  it('keeps the last row of each key of a table that is appended to, and the next sync goes on', async () => {
    const lake = await lakeOf('by_path');
    const place = lake.directory('t');
    expect((await versions(lake)).length).toBe(12);
    const before = lake.names('t');
    expect(await compact(lake, place, '--dry-run')).toMatchObject({
      exit_code: 0,
      dry_run: true,
      tables: [
        { table: 't', state: 'planned', files_before: 3, rows_before: 12, planned: { rows: 6, superseded_rows: 6 } },
      ],
    });
    expect(lake.names('t')).toEqual(before);
    const done = await compact(lake, place);
    expect(done).toMatchObject({
      tables: [{ state: 'compacted', compaction: { number: 4, files: 1, superseded_rows: 6 } }],
    });
    expect(await versions(lake)).toEqual(VERSIONS);
    expect(lake.names('t')).toEqual(['_SUCCESS', 'part-00004-00000.parquet']);
    expect(lake.manifest('t')).toMatchObject({
      run_id: done.run_id,
      row_count: 6,
      incremental: { watermark: '3', last_number: 4 },
    });
    expect(lake.manifest('t').incremental.syncs.at(-1)).toMatchObject({ number: 4, kind: 'compaction', row_count: 6 });
    const verified = await lake.user.run('verify', place, '--deep');
    expect(verified.code, verified.stdout).toBe(0);
    expect(await compact(lake, place)).toMatchObject({ tables: [{ state: 'unchanged' }] });

    await server.query('INSERT INTO by_path.t VALUES (7, 4)');
    expect(await lake.sync()).toMatchObject([{ rows: 1, sync: { number: 5, lower: '3' } }]);
    // A run, a directory above the table, and for people.
    const [run] = (await lake.user.runs()).runs;
    expect(await compact(lake, run!.run_id.slice(0, 8), '--dry-run')).toMatchObject({
      tables: [{ state: 'planned', planned: { rows: 7, superseded_rows: 0 } }],
    });
    const shown = await lake.user.run('compact', 'out');
    expect(shown.stdout.replaceAll(/\d\.\d+ s|[\d.]+ [KM]?i?B/g, '…').replaceAll(/ +/g, ' ')).toMatchInlineSnapshot(`
      "TABLE FILES ROWS SUPERSEDED ROWS NOW FILES NOW WRITTEN
      by_path.t 2 7 0 7 1 …

      1 table of 1 merged in …
      "
    `);
    lake.user.remove();
  });

  it('takes a key by name where the table has none, and refuses it otherwise', async () => {
    const lake = await lakeOf('keyless', '');
    const place = lake.directory('t');
    expect(await compact(lake, place)).toMatchObject({
      exit_code: 3,
      tables: [{ state: 'failed', error: { code: 'COMPACT_NO_KEY' } }],
    });
    expect(await compact(lake, place, '--key', 'nothing')).toMatchObject({ exit_code: 3 });
    expect((await versions(lake)).length).toBe(12);
    expect(await compact(lake, place, '--key', 'id')).toMatchObject({ exit_code: 0 });
    expect(await versions(lake)).toEqual(VERSIONS);
    lake.user.remove();
  });

  it('leaves tables alone that are exported whole, or that another run writes to', async () => {
    const lake = await lakeOf('held');
    const base = path.join(lake.user.directory, 'out');
    const storage = await openStorage({ kind: 'directory', directory: base });
    await storage.beginRun({ runId: '00000000-0000-4000-8000-000000000000', directory: 'held' });
    await storage.claim(['held/t']);
    // Whatever the path begins with, the lock is where syncs hold theirs.
    for (const place of [base, path.join(base, 'held'), lake.directory('t')]) {
      expect(await compact(lake, place)).toMatchObject({ exit_code: 6, error: { code: 'TARGET_IN_USE' } });
    }
    await storage.endRun();
    await storage.close();
    await server.query('CREATE TABLE held.whole AS SELECT 1 AS id');
    await lake.sync();
    expect(await compact(lake, base)).toMatchObject({ exit_code: 0, whole_tables: 1, tables: [{ table: 't' }] });
    expect(await compact(lake, lake.directory('whole'))).toMatchObject({
      exit_code: 2,
      error: { code: 'COMPACT_NOT_SYNCED' },
    });
    expect(await compact(lake, path.join(base, 'elsewhere'))).toMatchObject({ error: { code: 'FILE_NOT_FOUND' } });
    lake.user.remove();
  });
});
