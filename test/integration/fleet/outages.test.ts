import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, it } from 'vitest';

import { TestFleet } from '../../harness/fleet.js';
import { type NetworkNamespace, openNetworkNamespace } from '../../harness/network-namespace.js';
import { newerNode } from '../../harness/newer-node.js';
import { saySkipped } from '../../harness/skipped.js';
import { hasPgBouncer, startPgBouncer } from '../../servers/pgbouncer.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** Links, logs and sources that are away while workers read. */

const found = await newerNode();
if ('missing' in found) saySkipped('outages with workers on other machines', found.missing);
const node = 'node' in found ? found.node : '';

/** Beyond the lease of a worker. */
const AWAY_MS = 15_000;

const link: NetworkNamespace | undefined = node === '' ? undefined : openNetworkNamespace();

let server: PostgresServer;
/** Restarted by one test each. */
let log: PostgresServer;
let source: PostgresServer;

beforeAll(async () => {
  if (node === '') return;
  const hosts = link === undefined ? {} : { listen_addresses: `127.0.0.1,${link.host}` };
  const hba = link === undefined ? [] : [`host all all ${link.host}/30 scram-sha-256`];
  [server, log, source] = await Promise.all([
    startPostgres({ settings: { max_connections: 200, ...hosts }, hba }),
    startPostgres(),
    startPostgres(),
  ]);
});

afterAll(async () => {
  link?.remove();
  if (node !== '') await Promise.all([server, log, source].map((one) => one.stop()));
});

describe.runIf(node !== '').concurrent('with workers that read its slices, a run', () => {
  it('reads nothing twice when the database of its log is away, shortly or for longer than a lease', async ({
    expect,
  }) => {
    await using fleet = await TestFleet.create(server, { name: 'logless', node, logServer: log });
    const held = ['held1', 'held2', 'held3'];
    for (const [index, name] of held.entries()) await fleet.addHeld(name, index + 1);
    for (const name of ['t1', 't2']) await fleet.addTable(name);
    await fleet.shut(1, 2, 3);
    const run = fleet.coordinate();
    const workers = held.map((_, n) => fleet.work(`w${n}`));
    await fleet.until(async () => (await fleet.busy('held')) === 3, 'three workers are busy');
    await log.restart({ isCrash: true });
    await fleet.until(async () => (await fleet.busy('held')) === 3, 'they can be seen again');
    // Nobody has heard of the workers for so long, and they come back later than the database.
    await log.restart({
      isCrash: true,
      while: async () => {
        await sleep(AWAY_MS);
        for (const worker of workers) worker.kill('SIGSTOP');
      },
    });
    await sleep(3_000);
    for (const worker of workers) worker.kill('SIGCONT');
    await fleet.until(
      async () =>
        (await fleet.log("SELECT 1 FROM lakeport_queue.job WHERE heartbeat_on > now() - interval '2 s'")).length === 3,
      'leases are renewed',
    );
    for (const gate of [1, 2, 3]) await fleet.open(gate);
    const { code, stderr } = await run.result;
    expect(stderr).not.toMatch(/was lost|read again/);
    expect(code).toBe(0);
    let slices = 0;
    for (const worker of workers) {
      const end = await worker.result;
      expect(end.code).toBe(0);
      expect(end.stderr).not.toContain('was taken from this worker');
      slices += Number(/has read (\d+) slices?/.exec(end.stdout)?.[1]);
    }
    expect(slices).toBe(5);
    expect(await fleet.wrongTables([...held, 't1', 't2'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it('takes a new snapshot when the source restarts, and its workers connect again', async ({ expect }) => {
    await using fleet = await TestFleet.create(source, { name: 'restarted', node, logServer: server });
    const held = ['held1', 'held2'];
    for (const [index, name] of held.entries()) await fleet.addHeld(name, index + 1);
    for (const name of ['t1', 't2']) await fleet.addTable(name);
    await fleet.shut(1, 2);
    const run = fleet.coordinate();
    const workers = [fleet.work('w1'), fleet.work('w2')];
    await fleet.until(async () => (await fleet.busy('held')) === 2, 'two workers are busy');
    // The locks that hold readers back go with it.
    await source.restart({ isCrash: true, while: () => sleep(1_000) });
    const { code, stderr } = await run.result;
    expect(stderr).toMatch(/The connection that held the snapshot was lost/);
    // Nobody takes its worker for one with another source.
    expect(stderr).not.toContain('given back');
    expect(code).toBe(0);
    for (const worker of workers) expect((await worker.result).code).toBe(0);
    expect(await fleet.wrongTables([...held, 't1', 't2'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it.runIf(link !== undefined)('gives a slice to another when the link of its worker is cut', async ({ expect }) => {
    await using fleet = await TestFleet.create(server, { name: 'linked', node });
    await fleet.authorize('linked', { through: { host: link!.host, port: server.port } });
    await fleet.addHeld('held1', 1);
    for (const name of ['t1', 't2']) await fleet.addTable(name);
    await fleet.shut(1);
    const run = fleet.coordinate();
    const cut = fleet.work('cut', { auth: 'linked', within: link!.within });
    await fleet.reads('cut', 'held1');
    await fleet.until(() => fleet.isHeld('held1'), 'its reader is in the middle');
    link!.setLink('down');
    const last = fleet.work('last');
    await fleet.reads('last', 'held1');
    link!.setLink('up');
    await fleet.until(
      () => Promise.resolve(/public\.held1 was taken from this worker/.test(cut.stderr())),
      'the worker that was cut off knows that its claim is lost',
    );
    await fleet.open(1);
    const { code, stderr } = await run.result;
    expect(stderr).toMatch(/Worker cut on .* was lost while it read public\.held1/);
    expect(code).toBe(0);
    for (const worker of [cut, last]) expect((await worker.result).code).toBe(0);
    expect(await fleet.wrongTables(['held1', 't1', 't2'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it('fails a table that workers do not survive, and exports the others', async ({ expect }) => {
    await using fleet = await TestFleet.create(server, { name: 'deadly', node });
    await fleet.addHeld('held1', 1);
    await fleet.addTable('t1');
    await fleet.shut(1);
    const run = fleet.coordinate('--large_table_threshold', '100');
    const killed = fleet.work('killed');
    await fleet.reads('killed', 'held1');
    // Of six workers, five would take a minute.
    await fleet.log("UPDATE lakeport_queue.job SET retry_limit = 0 WHERE state = 'active'");
    killed.kill('SIGKILL');
    const last = fleet.work('last');
    const { code, stderr } = await run.result;
    expect(stderr).toContain('public.held1: The slice was read 1 time, and each time its worker was lost');
    expect(stderr).not.toContain('read again');
    expect(code).toBe(3);
    expect((await last.result).code).toBe(0);
    expect(await fleet.wrongTables(['t1'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it.runIf(hasPgBouncer)('may have poolers before log and source', async ({ expect }) => {
    await using fleet = await TestFleet.create(server, { name: 'pooled', node });
    await using transactions = await startPgBouncer(server, { mode: 'transaction', users: ['pooled_worker'] });
    await using sessions = await startPgBouncer(server, { mode: 'session', users: ['pooled_worker'] });
    const logThrough = transactions.server;
    await fleet.authorize('auth', { logThrough });
    await fleet.authorize('sessions', { through: sessions.server, logThrough, worker: true });
    await fleet.authorize('transactions', { through: transactions.server, logThrough, worker: true });
    const held = ['held1', 'held2', 'held3'];
    for (const [index, name] of held.entries()) await fleet.addHeld(name, index + 1);
    await fleet.addTable('t1');
    await fleet.shut(1, 2, 3);
    const run = fleet.coordinate();
    await fleet.until(async () => (await fleet.workers()).length > 0, 'the run has begun');
    await fleet.grantWorker();
    const workers = ['auth', 'sessions', 'transactions'].map((auth) => fleet.work(auth, { auth }));
    // Each reads one: so the pooler is on everybody's way.
    await fleet.until(async () => (await fleet.busy('held')) === 3, 'three workers are busy');
    for (const gate of [1, 2, 3]) await fleet.open(gate);
    expect(await run.result).toMatchObject({ code: 0 });
    for (const worker of workers) expect(await worker.result).toMatchObject({ code: 0 });
    expect(await fleet.wrongTables([...held, 't1'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });
});
