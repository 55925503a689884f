import { afterAll, beforeAll, expect, it } from 'vitest';

import { openPostgresReader } from '../../../src/sources/postgres/reader.js';
import { runExportHere } from '../../harness/export-run.js';
import { TestFleet } from '../../harness/fleet.js';
import { newerNode } from '../../harness/newer-node.js';
import { findTable, openPostgres } from '../../harness/postgres-source.js';
import { saySkipped } from '../../harness/skipped.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { startTcpGate } from '../../servers/tcp-gate.js';

/** One address that leads to two servers, as a name of several replicas does, or a load balancer before them. */

const found = await newerNode();
if ('missing' in found) saySkipped('a worker at an address of two servers', found.missing);

let first: PostgresServer;
let second: PostgresServer;

beforeAll(async () => {
  [first, second] = await Promise.all([startPostgres(), startPostgres()]);
  for (const server of [first, second]) {
    await server.query(`CREATE TABLE a AS SELECT ${server.port} AS port FROM generate_series(1, 300000)`);
    await server.query('ANALYZE');
  }
});
afterAll(() => Promise.all([first.stop(), second.stop()]));

const READERS = ['-i', 'public.a', '-p', '3', '--large_table_threshold', '1000'];

it('all readers of a run meet the server that holds the snapshot, whichever they are led to at first', async () => {
  const gate = await startTcpGate(first, { choose: (nth) => (nth % 2 === 0 ? first : second) });
  await using run = await runExportHere({ ...first, port: gate.port }, { args: READERS });
  expect(run.cli.code).toBe(0);
  expect(run.table('a')).toMatchObject({ state: 'completed', rows: 300_000 });
  await gate.stop();
});

it('a run whose readers meet nothing but another server says so', async () => {
  // TLS is refused on the first connection.
  const gate = await startTcpGate(first, { choose: (nth) => (nth < 2 ? first : second) });
  await using run = await runExportHere({ ...first, port: gate.port }, { args: READERS });
  expect(run.cli.code).not.toBe(0);
  expect(run.table('a').error).toMatchObject({
    code: 'SOURCE_OTHER_SERVER',
    message: expect.stringContaining("leads to another server than the one that holds the run's snapshot") as string,
  });
  await gate.stop();
});

it('a snapshot is not taken for that of the same name on another server', async () => {
  const [one, other] = await Promise.all([openPostgres(first), openPostgres(second)]);
  const pinned = await one.pin([await findTable(one, 'a')], { consistency: 'run' });
  const { snapshot } = await other.pin([await findTable(other, 'a')], { consistency: 'run' });
  // As by chance: the names are short, and made of numbers that begin anew with each server.
  const opening = openPostgresReader(other.readerSettings() as never, { ...pinned.snapshot, token: snapshot.token });
  await expect(opening).rejects.toMatchObject({ code: 'SOURCE_OTHER_SERVER' });
  await Promise.all([one.close(), other.close()]);
});

it.runIf('node' in found)('a worker reads from the server of the run, and no other', async () => {
  const fleet = await TestFleet.create(first, { name: 'turns', node: 'node' in found ? found.node : '' });
  await second.query('CREATE DATABASE turns');
  const gate = await startTcpGate(first, { choose: (nth) => (nth % 2 === 0 ? second : first) });
  try {
    await fleet.authorize('gate', { source: { server: gate.host, port: gate.port } });
    for (const name of ['t1', 't2']) await fleet.addTable(name);
    const run = fleet.coordinate();
    const worker = fleet.work('w1', { auth: 'gate' });
    expect(await run.result).toMatchObject({ code: 0 });
    expect(await worker.result).toMatchObject({ code: 0 });
    expect(await fleet.wrongTables(['t1', 't2'])).toEqual([]);
  } finally {
    await fleet.remove();
    await gate.stop();
  }
});
