import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, type ExpectStatic, it } from 'vitest';

import { writeAuthority } from '../../harness/authority.js';
import { TestFleet } from '../../harness/fleet.js';
import { KeptRun } from '../../harness/kept-run.js';
import { newerNode } from '../../harness/newer-node.js';
import { saySkipped } from '../../harness/skipped.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { hasPgBouncer, startPgBouncer } from '../../servers/pgbouncer.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** Keepers of a snapshot behind poolers, and on servers that end long transactions or require TLS. */

const found = await newerNode();
if ('missing' in found) saySkipped('keepers behind poolers', found.missing);
const node = 'node' in found ? found.node : '';

/** Longer than any limit that is set here for sessions. */
const LIMIT_MS = 2_000;

const cleanups: (() => unknown)[] = [];
let server: PostgresServer;

beforeAll(async () => {
  if (node === '') return;
  server = await startPostgres({
    settings: { max_connections: 200 },
    tls: LOCALHOST_TLS,
    hba: ['hostnossl tls client all reject'],
  });
});

afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
  if (node !== '') await server.stop();
});

describe.runIf(node !== '' && hasPgBouncer).concurrent('behind PgBouncer', () => {
  it.for([
    ['transaction', 'transaction'],
    ['session', 'session'],
    ['transaction', 'session'],
  ] as const)('a run goes on in its snapshot (coordinator %s, keepers %s)', async ([of, by], { expect }) => {
    const name = `pooled_${of}_${by}`;
    await using fleet = await TestFleet.create(server, { name, node });
    // Neither limit ends a connection that is in a transaction.
    const settings = { server_lifetime: 1, server_idle_timeout: 1, client_idle_timeout: 1 };
    await using first = await startPgBouncer(server, { mode: of, poolSize: 8, settings });
    await using second = await startPgBouncer(server, { mode: by, poolSize: 8, settings });
    await fleet.authorize('auth', { through: first.server, logThrough: server });
    await fleet.authorize('worker', { through: second.server, logThrough: server });
    await goesOn(fleet, expect, { auths: ['worker', 'worker'] });
  });

  it('a keeper that finds no free connection says so', async ({ expect }) => {
    await using fleet = await TestFleet.create(server, { name: 'pool_taken', node });
    await using pooler = await startPgBouncer(server, { mode: 'session', poolSize: 2 });
    await fleet.authorize('auth', { through: pooler.server, logThrough: server, source: { connect_timeout: 3 } });
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
    await using fleet = await TestFleet.create(server, { name: 'pool_full', node });
    // One for the coordinator, and one for each reader.
    await using pooler = await startPgBouncer(server, { mode: 'transaction', poolSize: 3 });
    await fleet.authorize('auth', { through: pooler.server, logThrough: server, source: { connect_timeout: 3 } });
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
    await using fleet = await TestFleet.create(server, { name: 'pool_idle', node });
    const settings = { idle_transaction_timeout: 1 };
    await using pooler = await startPgBouncer(server, { mode: 'transaction', poolSize: 8, settings });
    await fleet.authorize('worker', { through: pooler.server, logThrough: server });
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

describe.runIf(node !== '').concurrent('on a server', () => {
  it('that ends long and idle transactions, keepers stay', async ({ expect }) => {
    await using fleet = await TestFleet.create(server, { name: 'limited', node });
    const limits = ['idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout'];
    for (const limit of [...limits, 'idle_session_timeout']) {
      await fleet.query(`ALTER DATABASE limited SET ${limit} = '${LIMIT_MS / 2}ms'`);
    }
    const options = Object.fromEntries(limits.slice(0, 2).map((limit) => [limit, `${LIMIT_MS / 2}ms`]));
    await fleet.authorize('own', { source: { options } });
    await goesOn(fleet, expect, { auths: ['auth', 'own'] });
  });

  it('that requires TLS, keepers have it', async ({ expect }) => {
    await using fleet = await TestFleet.create(server, { name: 'tls', node });
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
