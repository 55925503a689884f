import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { EXIT_CODES } from '../../../src/errors.js';
import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import { KilledRuns } from '../../harness/killed-runs.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { serverSums } from '../../harness/table-sums.js';

/**
 * Runs that are stopped at some point, as by SIGSTOP, a laptop's sleep or a paused container, for longer than others take
 * them for alive, and that go on when another run has exported the same tables.
 */

const READERS = ['--table_config', 'pause.big:Ctid::3', '-p', '2', '--n_jobs', '1'];
/** Rows fill other pages each time; files of few rows make sure that the first export has the most of them. */
const FLAGS = ['--source_schema_name', 'pause', ...READERS, '--max_rows_per_file', '3000'];
/** How long a silent run counts as alive: ten minutes in life. */
const SILENCE_MS = 2500;
const SILENCE = { LAKEPORT_TEST_SILENCE_MS: String(SILENCE_MS) };

let server: PostgresServer;
let store: CliStore;
/** On the machine whose run is stopped, and on another one. */
let runs: KilledRuns;
let others: KilledRuns;

/** The table has another number of parts each time, so that some are stale. */
async function fill(rows: number, text: string): Promise<void> {
  await server.query(`DELETE FROM pause.big;
    INSERT INTO pause.big SELECT i, '${text}' || md5(i::text) FROM generate_series(1, ${rows}) i; ANALYZE pause.big;`);
}

/** As soon as the stopped run counts as dead. */
async function exportAfter(): Promise<void> {
  for (;;) {
    const { code, stderr } = await others.exportWith(SILENCE);
    if (code === 0) return;
    expect(stderr).toMatch(/last heartbeat was \d+ seconds? ago/);
    expect(stderr).toMatch(/free after \d+ seconds? without a heartbeat/);
    // An attempt costs more than the rest of the silence.
    await sleep(SILENCE_MS);
  }
}

beforeAll(async () => {
  server = await startPostgres({ tls: LOCALHOST_TLS });
  await server.query('CREATE SCHEMA pause; CREATE TABLE pause.big (i bigint, t text);');
});
afterAll(() => server.stop());

const CASES: Readonly<Record<CliStore['kind'], readonly string[]>> = {
  local: ['in the middle of a slice', 'before stale parts go', 'before _SUCCESS comes'],
  // Those of the stores are stopped between the proof of their claim and the request that it was asked for.
  s3: ['between staging and publishing', 'between manifest and _SUCCESS'],
  gcs: ['before stale parts are removed'],
  azure: ['between manifest and _SUCCESS'],
};

describe.each(Object.keys(CASES) as CliStore['kind'][])('a run to %s', (kind) => {
  beforeAll(async () => {
    store = await CLI_STORES[kind]();
    runs = await KilledRuns.start(server, store, FLAGS);
    others = await KilledRuns.start(server, store, FLAGS);
  });
  afterEach(() => store.clear());
  afterAll(async () => {
    runs.user.remove();
    others.user.remove();
    await store.stop();
  });

  it.each(CASES[kind])('that is stopped %s publishes nothing over a newer run', { timeout: 300_000 }, async (point) => {
    await fill(20_000, 'first');
    expect((await runs.export()).code).toBe(0);
    await fill(8_000, 'old');
    const stopped = await runs.stoppedAt(point, SILENCE);
    await fill(12_000, 'new');
    await exportAfter();
    const published = await store.objects();
    expect(await runs.sums('pause', 'big')).toEqual(await serverSums(server, 'pause.big'));

    const { code, stderr } = await stopped.goOn();
    // Which has ended by now, its claim with it.
    const { run_id: successor } = JSON.parse(published.get('pause/_big.manifest.json')!.toString()) as {
      run_id: string;
    };
    expect(stderr).toContain(`Run ${successor}`);
    expect(stderr).toMatch(/took over .* after this run had no heartbeat for \d+ seconds?/);
    expect(stderr).not.toContain('--resume');
    expect(code).toBe(EXIT_CODES['in-use']);
    expect(await store.objects()).toEqual(published);
    expect(await store.leftovers()).toEqual([]);

    const resumed = await runs.resume(stopped.runId);
    expect(resumed).toMatchObject({ code: EXIT_CODES.usage });
    expect(resumed.stderr).toContain(
      `Run ${successor} has exported pause.big to the same destination since this run started:`,
    );
    expect(resumed.stderr).toContain('resuming would replace newer rows with older ones');
    expect(await store.objects()).toEqual(published);
    expect(await store.leftovers()).toEqual([]);
  });
});
