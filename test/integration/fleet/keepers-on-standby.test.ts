import { afterAll, beforeAll, describe, it } from 'vitest';

import { fleetSetup } from '../../harness/fleet-setup.js';
import type { TestFleet } from '../../harness/fleet.js';
import { KeptRun } from '../../harness/kept-run.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** Keepers of a snapshot on a hot standby, where the replay of WAL may end all sessions that hold it. */

const settings = { autovacuum: 'off' };
const setup = await fleetSetup('keepers on a standby', { settings });
/** Its sessions hold back what would conflict with them. */
let patient: PostgresServer;
/** Its sessions are ended where WAL conflicts with them. */
let hasty: PostgresServer;

beforeAll(async () => {
  if (!setup.isPossible) return;
  [patient, hasty] = await Promise.all([
    // Which snapshots it has is told each second: nothing that they see is cleaned away.
    standby({ hot_standby_feedback: 'on', wal_receiver_status_interval: 1, max_standby_streaming_delay: -1 }),
    standby({ max_standby_streaming_delay: '200ms' }),
  ]);
});

afterAll(async () => {
  if (setup.isPossible) await Promise.all([patient, hasty].map((standby) => standby.stop()));
});

describe.runIf(setup.isPossible).concurrent('on a hot standby', () => {
  it('a run goes on in its snapshot, even if a keeper had to be replaced', async ({ expect }) => {
    await using fleet = await fleetOf('patient', patient);
    const run = await KeptRun.begin(fleet, { flags: ['--consistency', 'run'] });
    await run.isHeldBy(3);
    await run.endKeeper(patient);
    await run.isHeldBy(2);
    await run.isHeldBy(3);
    await run.killCoordinator();
    await run.change();
    await replayed(fleet, patient);
    await run.endsInItsSnapshot(await run.goOn('--consistency', 'run'), expect);
    expect(run.said()).toMatch(/session that kept the run's snapshot here has ended: terminating connection/);
  });

  it('a run takes a new snapshot if replay ends the sessions that held it, and keepers hold that', async ({
    expect,
  }) => {
    await using fleet = await fleetOf('conflicting', hasty);
    const run = await KeptRun.begin(fleet);
    await run.isHeldBy(3);
    await conflict(fleet);
    await fleet.until(() => Promise.resolve(run.coordinator.stderr().includes('snapshot was lost')), 'it is lost');
    await replayed(fleet, hasty);
    await run.isHeldBy(3);
    await run.openGates();
    expect(await run.coordinator.result).toMatchObject({ code: 0 });
    for (const { code } of await run.workerResults()) expect(code).toBe(0);
    expect(run.said()).toContain('conflict with recovery');
    expect(await fleet.wrongTables(['a_held', 'b_held', 't1', 't2'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it('a run whose coordinator is gone takes a new snapshot if replay ends its keepers', async ({ expect }) => {
    await using fleet = await fleetOf('unkept', hasty);
    const run = await KeptRun.begin(fleet);
    await run.isHeldBy(3);
    await run.killCoordinator();
    await conflict(fleet);
    await replayed(fleet, hasty);
    const { code, stdout } = await (await run.goOn()).result;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ consistency: 'table' });
    for (const end of await run.workerResults()) expect(end.code).toBe(0);
    expect(await fleet.wrongTables(['a_held', 'b_held', 't1', 't2'])).toEqual([]);
  });
});

function standby(own: Readonly<Record<string, string | number>>): Promise<PostgresServer> {
  return startPostgres({ standbyOf: setup.server, settings: { ...settings, max_connections: 200, ...own } });
}

async function fleetOf(name: string, standby: PostgresServer): Promise<TestFleet> {
  const fleet = await setup.fleet(name, { standby });
  await KeptRun.prepare(fleet);
  await replayed(fleet, standby);
  return fleet;
}

/** Changes a table so that no session of a standby can read it as it was. */
async function conflict(fleet: TestFleet): Promise<void> {
  await fleet.query("TRUNCATE t2; INSERT INTO t2 SELECT i, 'anew' FROM generate_series(1, 500) AS i");
}

/** Until the standby has what the primary has now. */
async function replayed(fleet: TestFleet, standby: PostgresServer): Promise<void> {
  const [now] = await setup.server.query('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  await fleet.until(async () => {
    const [row] = await standby.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS has', [now?.['lsn']]);
    return row?.['has'] === true;
  }, 'the standby has replayed');
}
