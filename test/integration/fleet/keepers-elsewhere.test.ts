import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, describe, type ExpectStatic, it } from 'vitest';

import { writeAuthority } from '../../harness/authority.js';
import { fleetSetup } from '../../harness/fleet-setup.js';
import type { TestFleet } from '../../harness/fleet.js';
import { KeptRun } from '../../harness/kept-run.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { hasPgBouncer, startPgBouncer } from '../../servers/pgbouncer.js';

/** Keepers of a snapshot behind poolers, and on servers that end long transactions or require TLS. */

const setup = await fleetSetup('keepers behind poolers', {
  tls: LOCALHOST_TLS,
  hba: ['hostnossl tls client all reject'],
});

/** Longer than any limit that is set here for sessions. */
const LIMIT_MS = 2_000;

const cleanups: (() => unknown)[] = [];

afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
});

describe.runIf(setup.isPossible && hasPgBouncer).concurrent('behind PgBouncer', () => {
  it.for([
    ['transaction', 'transaction'],
    ['session', 'session'],
    ['transaction', 'session'],
  ] as const)('a run goes on in its snapshot (coordinator %s, keepers %s)', async ([of, by], { expect }) => {
    const name = `pooled_${of}_${by}`;
    await using fleet = await setup.fleet(name);
    // Neither limit ends a connection that is in a transaction.
    const settings = { server_lifetime: 1, server_idle_timeout: 1, client_idle_timeout: 1 };
    await using first = await startPgBouncer(setup.server, { mode: of, poolSize: 8, settings });
    await using second = await startPgBouncer(setup.server, { mode: by, poolSize: 8, settings });
    await fleet.authorize('auth', { through: first.server, logThrough: setup.server });
    await fleet.authorize('worker', { through: second.server, logThrough: setup.server });
    await goesOn(fleet, expect, { auths: ['worker', 'worker'] });
  });

  it('a keeper that finds no free connection says so', async ({ expect }) => {
    await using fleet = await setup.fleet('pool_taken');
    await using pooler = await startPgBouncer(setup.server, { mode: 'session', poolSize: 2 });
    await fleet.authorize('auth', { through: pooler.server, logThrough: setup.server, source: { connect_timeout: 3 } });
    await KeptRun.prepare(fleet);
    const run = await KeptRun.begin(fleet, { auths: ['auth'] });
    await fleet.until(() => fleet.isHeld('a_held'), 'it is read');
    // Whichever was there first, the reader or the keeper.
    const said = /cannot be kept here: .* has not answered for 3 s|has ended: a reader needs its connection/;
    await fleet.until(() => Promise.resolve(said.test(run.said())), 'it says so');
    await run.openGates();
    expect(await run.coordinator.result).toMatchObject({ code: 0 });
    expect(await run.differing()).toEqual([]);
  });

  it('keepers take no connection that readers need, and say so', async ({ expect }) => {
    await using fleet = await setup.fleet('pool_full');
    // One for the coordinator, and one for each reader.
    await using pooler = await startPgBouncer(setup.server, { mode: 'transaction', poolSize: 3 });
    await fleet.authorize('auth', { through: pooler.server, logThrough: setup.server, source: { connect_timeout: 3 } });
    await KeptRun.prepare(fleet);
    const run = await KeptRun.begin(fleet, { auths: ['auth'], flags: ['--lock_timeout', '3m'] });
    // What is free is a keeper's.
    await run.isHeldBy(2);
    run.addWorker();
    await fleet.until(async () => (await fleet.isHeld('a_held')) && fleet.isHeld('b_held'), 'both readers read');
    expect(await run.holders()).toBe(1);
    expect(run.said()).toContain(
      "The session that kept the run's snapshot here has ended: a reader needs its connection",
    );
    await run.openGates();
    expect(await run.coordinator.result).toMatchObject({ code: 0 });
    for (const { code } of await run.workerResults()) expect(code).toBe(0);
    expect(run.coordinator.stderr()).not.toContain('given back');
    expect(await run.differing()).toEqual([]);
  });

  it('a keeper whose pooler ends idle transactions says so, and does not try it again and again', async ({
    expect,
  }) => {
    await using fleet = await setup.fleet('pool_idle');
    const settings = { idle_transaction_timeout: 1 };
    await using pooler = await startPgBouncer(setup.server, { mode: 'transaction', poolSize: 8, settings });
    await fleet.authorize('worker', { through: pooler.server, logThrough: setup.server });
    await KeptRun.prepare(fleet);
    const run = await KeptRun.begin(fleet, { auths: ['worker', 'auth'] });
    const ended = "The session that kept the run's snapshot here has ended: ";
    await fleet.until(() => Promise.resolve(run.said().includes(ended)), 'a keeper is lost');
    await sleep(3 * LIMIT_MS);
    expect(run.said().split(ended)).toHaveLength(2);
    expect(pooler.log().match(/idle.transaction.timeout/g)?.length).toBeLessThan(4);
    await run.openGates();
    expect(await run.coordinator.result).toMatchObject({ code: 0 });
    for (const { code } of await run.workerResults()) expect(code).toBe(0);
    expect(await run.differing()).toEqual([]);
  });
});

describe.runIf(setup.isPossible).concurrent('on a server', () => {
  it('that ends long and idle transactions, keepers stay', async ({ expect }) => {
    await using fleet = await setup.fleet('limited');
    const limits = ['idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout'];
    for (const limit of [...limits, 'idle_session_timeout']) {
      await fleet.query(`ALTER DATABASE limited SET ${limit} = '${LIMIT_MS / 2}ms'`);
    }
    const options = Object.fromEntries(limits.slice(0, 2).map((limit) => [limit, `${LIMIT_MS / 2}ms`]));
    await fleet.authorize('own', { source: { options } });
    await goesOn(fleet, expect, { auths: ['auth', 'own'] });
  });

  it('that requires TLS, keepers have it', async ({ expect }) => {
    await using fleet = await setup.fleet('tls');
    const ca = await writeAuthority(cleanups);
    await fleet.query('CREATE ROLE client LOGIN SUPERUSER PASSWORD $$secret$$');
    const source = { ssl: 'verify-full', ssl_ca: ca, username: 'client' };
    await fleet.authorize('auth', { source });
    await goesOn(fleet, expect, {});
  });
});

/** Kills the coordinator once two workers keep its snapshot, and those for a while longer than all limits. */
async function goesOn(
  fleet: TestFleet,
  expect: ExpectStatic,
  options: { readonly auths?: readonly string[] },
): Promise<void> {
  await KeptRun.prepare(fleet);
  const run = await KeptRun.begin(fleet, { ...options, flags: ['--consistency', 'run', '--lock_timeout', '3m'] });
  await run.isHeldBy(3);
  await run.killCoordinator();
  await run.change();
  await sleep(LIMIT_MS);
  const second = await run.goOn('--consistency', 'run');
  await run.endsInItsSnapshot(second, expect);
  expect(run.said()).not.toContain('snapshot');
}
