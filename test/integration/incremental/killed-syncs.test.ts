import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import { bigBySlices, createBig, KilledRuns } from '../../harness/killed-runs.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { serverSums } from '../../harness/table-sums.js';

/** Syncs that are killed at each point of their publication, and the next one or a resume after them. */

const MANIFEST = 'kill/_big.manifest.json';
const ROWS = 9000;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ tls: LOCALHOST_TLS });
  await server.query('CREATE SCHEMA kill; CREATE TABLE kill.big (i bigint PRIMARY KEY, t text)');
});
afterAll(() => server.stop());

interface Manifest {
  readonly row_count: number;
  readonly files: readonly { readonly name: string; readonly rows: number }[];
  readonly incremental: { readonly watermark: string; readonly last_number: number };
}

/** Points on the way of a publication, and what comes after it. */
const POINTS = [
  ['when a part is complete and nobody knows', 'next'],
  ['between staging and publishing', 'resume'],
  ['between staging and publishing', 'next'],
  ['in the middle of publishing', 'resume'],
  ['in the middle of publishing', 'next'],
  ['before the manifest', 'next'],
  ['between manifest and _SUCCESS', 'resume'],
  ['between manifest and _SUCCESS', 'next'],
  ['between _SUCCESS and the log', 'next'],
  ['before the end of a table is logged', 'resume'],
] as const;
/** Where the store makes a difference. */
const OF_STORES: ReadonlySet<string> = new Set(['in the middle of publishing', 'between manifest and _SUCCESS']);

describe.each(['local', 's3'] as const)('a sync to %s that is killed', (kind) => {
  let store: CliStore;
  let runs: KilledRuns;

  const insert = () =>
    server.query(`INSERT INTO kill.big SELECT i, md5(i::text) FROM generate_series(
      (SELECT coalesce(max(i), 0) + 1 FROM kill.big), (SELECT coalesce(max(i), 0) + ${ROWS} FROM kill.big)) i`);
  const manifest = async () => {
    const bytes = (await store.objects()).get(MANIFEST);
    return JSON.parse(bytes?.toString() ?? '') as Manifest;
  };
  /** As a reader that goes by the manifest sees the table: the state before the sync or after it. */
  const expectWhole = async (rows: readonly number[]) => {
    const { files, row_count: count } = await manifest();
    expect(rows).toContain(count);
    const names = [...(await store.objects()).keys()];
    for (const { name } of files) expect(names).toContain(`kill/big/${name}`);
  };
  const expectSynced = async () => {
    expect(await runs.sums('kill', 'big')).toEqual(await serverSums(server, 'kill.big'));
    const { files } = await manifest();
    const names = [...(await store.objects()).keys()].filter((name) => name.startsWith('kill/big/'));
    expect(names.sort()).toEqual([...files.map(({ name }) => `kill/big/${name}`), 'kill/big/_SUCCESS'].sort());
    expect(await store.leftovers()).toEqual([]);
  };

  beforeAll(async () => {
    store = await CLI_STORES[kind]();
    runs = await KilledRuns.start(server, store, [
      ...['--source_schema_name', 'kill', '--incremental_table', 'kill.big:i:integer', '--max_rows_per_file', '2000'],
      ...['--n_jobs', '1', '-p', '2'],
    ]);
    await insert();
    expect((await runs.export()).code).toBe(0);
    await expectSynced();
  });
  afterAll(async () => {
    runs.user.remove();
    await store.stop();
  });

  it.each(POINTS.filter(([point]) => kind === 'local' || OF_STORES.has(point)))(
    '%s, neither loses a row nor repeats one: %s',
    async (point, then) => {
      const {
        row_count: before,
        incremental: { last_number: last },
      } = await manifest();
      await insert();
      const runId = await runs.killedAt(point, { isLogged: true });
      await expectWhole([before, before + ROWS]);
      // Rows of the next sync, which is not to read those of the killed one again.
      if (then === 'next') await insert();
      const ended = then === 'next' ? await runs.export() : await runs.resume(runId);
      expect(ended.code, ended.stderr).toBe(0);
      await expectSynced();
      expect((await manifest()).incremental.last_number).toBeLessThanOrEqual(last + 2);
    },
  );
});

describe('a sync that is killed when some of its slices are staged', () => {
  it('is resumed within its bounds, and the next one goes on from there', async () => {
    const store = await CLI_STORES.local();
    await server.query('CREATE SCHEMA part');
    await createBig(server, 'part.big');
    const runs = await KilledRuns.start(server, store, [
      ...['--source_schema_name', 'part', ...bigBySlices('part.big'), '--n_jobs', '1'],
      ...['--incremental_table', 'big:i:integer'],
    ]);
    try {
      const insert = () =>
        server.query(`INSERT INTO part.big SELECT i, 'x' FROM generate_series(
          (SELECT max(i) + 1 FROM part.big), (SELECT max(i) + 100 FROM part.big)) i`);
      const runId = await runs.killedAt('when some slices are staged and logged', { isLogged: true });
      await insert();
      const ended = await runs.resume(runId);
      expect(ended.code, ended.stderr).toBe(0);
      expect(ended.stderr).toMatch(/with [1-9]\d* slices already staged/);
      const first = await runs.sums('part', 'big');
      expect(first).toMatchObject({ rows: 30_000, distinct: 30_000 });
      expect((await runs.export()).code).toBe(0);
      expect(await runs.sums('part', 'big')).toEqual(await serverSums(server, 'part.big'));
    } finally {
      runs.user.remove();
      await store.stop();
    }
  });
});
