import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import { BIG_SLICES, bigBySlices, createBig, KilledRuns } from '../../harness/killed-runs.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { serverSums, type TableSums } from '../../harness/table-sums.js';

/** Runs that are killed at each point of their way, as by `kill -9` or a power cut, and finished by `--resume`. */

const TABLES = ['big', 'small', 'empty'] as const;
const FLAGS = ['--source_schema_name', 'kill', ...bigBySlices('kill.big'), '--n_jobs', '1'];

let server: PostgresServer;
let held: ReadonlyMap<string, TableSums>;

beforeAll(async () => {
  server = await startPostgres({ tls: LOCALHOST_TLS });
  await server.query(`CREATE SCHEMA kill;
    CREATE TABLE kill.small AS SELECT i::bigint, md5(i::text) AS t FROM generate_series(1, 10) i;
    CREATE TABLE kill.empty (i bigint, t text); ANALYZE`);
  await createBig(server, 'kill.big');
});
afterAll(() => server.stop());

async function sumsOfServer(): Promise<ReadonlyMap<string, TableSums>> {
  return new Map(
    await Promise.all(TABLES.map(async (table) => [table, await serverSums(server, `kill.${table}`)] as const)),
  );
}

let store: CliStore;
let runs: KilledRuns;

const names = async () => [...(await store.objects()).keys()];
const isWhole = async (table: string) => (await names()).includes(`kill/${table}/_SUCCESS`);

/** All tables are there, as the server holds them, and nothing else. */
async function expectFinished(runId: string): Promise<void> {
  for (const table of TABLES) {
    expect(await runs.sums('kill', table), table).toEqual(held.get(table));
    expect(await isWhole(table), table).toBe(true);
  }
  const parts = (await names()).filter((name) => /^kill\/big\/.*parquet$/.test(name));
  expect(parts).toEqual(parts.map((_, i) => `kill/big/part-0000${i}.parquet`));
  expect(await store.leftovers()).toEqual([]);
  const { run, tables } = await runs.user.status(runId);
  expect(run).toMatchObject({ state: 'completed', attempt: 2, completed_tables: 3, rows: 30010 });
  expect(tables.map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
}

/** A table with `_SUCCESS` is as one of the two runs has read it. */
async function expectOldOrNew(old: ReadonlyMap<string, TableSums>): Promise<void> {
  for (const table of TABLES) {
    if (!(await isWhole(table))) continue;
    expect([old.get(table), held.get(table)]).toContainEqual(await runs.sums('kill', table));
  }
}

/** How many slices the resumed run has taken over. */
function takenOver(stderr: string): number {
  return Number(/with (\d+) slices already staged/.exec(stderr)?.[1]);
}

describe('a run to a local directory, over the export of the day before, that is killed', () => {
  let yesterday: ReadonlyMap<string, TableSums>;
  /** The export of the day before. */
  let before: ReadonlyMap<string, Buffer>;

  beforeAll(async () => {
    store = await CLI_STORES.local();
    yesterday = await sumsOfServer();
    runs = await KilledRuns.start(server, store, FLAGS);
    expect((await runs.export()).code).toBe(0);
    runs.user.remove();
    before = await store.objects();
    await server.query(`UPDATE kill.big SET t = md5(t) WHERE i % 7 = 0; UPDATE kill.small SET t = md5(t)`);
  });
  afterAll(() => store.stop());
  beforeEach(async () => {
    for (const [name, bytes] of before) {
      const file = path.join(store.shownBase, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    runs = await KilledRuns.start(server, store, FLAGS);
    held = await sumsOfServer();
  });
  afterEach(async () => {
    runs.user.remove();
    await store.clear();
  });

  it.each([
    'before the run is marked in the target',
    'before the tables are claimed',
    'before the first row',
    'in the middle of a slice',
    'before the first bytes of a part',
    'before a part is complete',
    'when a part is complete and nobody knows',
    'when a slice is staged and not logged',
  ])('%s, has changed nothing, and is finished', async (point) => {
    const runId = await runs.killedAt(point);
    expect(await store.objects()).toEqual(before);
    const ended = await runs.resume(runId);
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('Resuming run')]);
    await expectFinished(runId);
  });

  it('a run killed with some slices staged and logged has changed nothing, and its resume reads only the others', async () => {
    const runId = await runs.killedAt('when some slices are staged and logged', { isLogged: true });
    expect(await store.objects()).toEqual(before);
    const staged = (await runs.user.status(runId)).slices.filter(({ state }) => state === 'completed');
    expect(staged.length).toBeGreaterThanOrEqual(3);
    expect(staged.length).toBeLessThan(BIG_SLICES);
    const ended = await runs.resume(runId);
    expect(ended.code).toBe(0);
    expect(takenOver(ended.stderr)).toBe(staged.length);
    expect(ended.stderr).toMatch(/rows from two snapshots \(consistency none\): kill\.big/);
    await expectFinished(runId);
    const { tables } = await runs.user.status(runId);
    expect(tables.find(({ table }) => table === 'big')?.consistency).toBe('none');
  });

  it('a resume with --consistency run re-reads a partly staged table in full', async () => {
    const runId = await runs.killedAt('when some slices are staged and logged', { isLogged: true });
    const ended = await runs.resume(runId, '--consistency', 'run');
    expect(ended.code).toBe(0);
    expect(takenOver(ended.stderr)).toBe(0);
    await expectFinished(runId);
    const { tables } = await runs.user.status(runId);
    expect(tables.find(({ table }) => table === 'big')?.consistency).not.toBe('none');
  });

  it('a resume re-reads staged slices that were removed in the meantime', async () => {
    const runId = await runs.killedAt('when some slices are staged and logged', { isLogged: true });
    const staged = (await store.leftovers()).filter((name) => name.endsWith('.tmp'));
    expect(staged).not.toEqual([]);
    for (const name of staged) rmSync(path.join(store.shownBase, name));
    const ended = await runs.resume(runId);
    expect(ended.code).toBe(0);
    expect(takenOver(ended.stderr)).toBe(0);
    await expectFinished(runId);
  });

  it('a killed run is not resumed over the export of a later run', async () => {
    const runId = await runs.killedAt('when some slices are staged and logged', { isLogged: true });
    expect((await runs.export()).code).toBe(0);
    const ended = await runs.resume(runId);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('since this run started') as string });
  });

  it.each([
    'between staging and publishing',
    'in the middle of publishing',
    'before stale parts are removed',
    'before the manifest',
    'between manifest and _SUCCESS',
  ])('%s, is finished without another read, as of the moment that it had read', async (point) => {
    // Otherwise there would be no stale part.
    const old = point === 'before stale parts are removed' ? await exportMoreParts() : yesterday;
    const runId = await runs.killedAt(point, { isLogged: true });
    await expectOldOrNew(old);
    const asRead = held;
    // What changes now is not seen any more.
    await server.query('UPDATE kill.big SET t = md5(t) WHERE i % 11 = 0');
    const ended = await runs.resume(runId);
    expect(ended.code).toBe(0);
    expect(takenOver(ended.stderr)).toBeGreaterThanOrEqual(BIG_SLICES);
    held = new Map([...(await sumsOfServer()), ['big', asRead.get('big')!]]);
    await expectFinished(runId);
    const { tables } = await runs.user.status(runId);
    expect(tables.find(({ table }) => table === 'big')?.consistency).toBe('table');
  });

  it.each([
    'between _SUCCESS and the log',
    'before the end of a table is logged',
    'before the end of the run is logged',
    'before the target is given back',
  ])('%s, keeps what it has published', async (point) => {
    const runId = await runs.killedAt(point);
    expect(await isWhole('big')).toBe(true);
    expect(await runs.sums('kill', 'big')).toEqual(held.get('big'));
    const asRead = held;
    await server.query('UPDATE kill.big SET t = md5(t) WHERE i % 13 = 0');
    const ended = await runs.resume(runId);
    // The log may have had the run's end already.
    if (ended.code !== 0) expect(ended.stderr).toMatch(/is complete: there is nothing to resume/);
    held = new Map([...(await sumsOfServer()), ['big', asRead.get('big')!]]);
    if (ended.code === 0) await expectFinished(runId);
    else expect(await runs.sums('kill', 'big')).toEqual(held.get('big'));
  });

  /** Another export of the day before, of more parts. Returns what it holds. */
  async function exportMoreParts(): Promise<ReadonlyMap<string, TableSums>> {
    const flags = FLAGS.map((flag) => flag.replace('RangeId:i:2', `Ctid::${BIG_SLICES + 3}`));
    const more = await KilledRuns.start(server, store, flags);
    expect((await more.export()).code).toBe(0);
    more.user.remove();
    const exported = held;
    await server.query('UPDATE kill.big SET t = md5(t) WHERE i % 5 = 0');
    held = await sumsOfServer();
    return exported;
  }
});

describe.each(['s3', 'gcs', 'azure'] as const)('a run to %s that is killed', (kind) => {
  beforeAll(async () => {
    store = await CLI_STORES[kind]();
  });
  afterAll(() => store.stop());
  beforeEach(async () => {
    runs = await KilledRuns.start(server, store, FLAGS);
    held = await sumsOfServer();
  });
  afterEach(async () => {
    runs.user.remove();
    await store.clear();
  });

  it('a run killed in the middle of a file shows nothing, and can be resumed', async () => {
    const runId = await runs.killedAt('before a part is complete');
    expect(await names()).toEqual([]);
    expect((await runs.resume(runId)).code).toBe(0);
    await expectFinished(runId);
  });

  it('a resume reads only the slices not staged and logged', async () => {
    const runId = await runs.killedAt('when some slices are staged and logged', { isLogged: true });
    expect(await names()).toEqual([]);
    const ended = await runs.resume(runId);
    expect(ended.code).toBe(0);
    expect(takenOver(ended.stderr)).toBeGreaterThanOrEqual(3);
    await expectFinished(runId);
  });

  it.each(['in the middle of publishing', 'between manifest and _SUCCESS'])(
    '%s, is finished without another read',
    async (point) => {
      const runId = await runs.killedAt(point, { isLogged: true });
      expect(await isWhole('big')).toBe(false);
      const ended = await runs.resume(runId);
      expect(ended.code).toBe(0);
      expect(takenOver(ended.stderr)).toBeGreaterThanOrEqual(BIG_SLICES);
      await expectFinished(runId);
    },
  );

  it('a run killed between _SUCCESS and the log keeps what it has published', async () => {
    const runId = await runs.killedAt('between _SUCCESS and the log');
    expect(await isWhole('big')).toBe(true);
    expect((await runs.resume(runId)).code).toBe(0);
    await expectFinished(runId);
  });
});
