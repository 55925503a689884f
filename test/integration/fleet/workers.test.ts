import { describe, it } from 'vitest';

import { CLI_STORES } from '../../harness/cli-stores/index.js';
import { fleetSetup } from '../../harness/fleet-setup.js';
import { parseDocument } from '../../harness/json-document.js';
import { startTcpGate } from '../../servers/tcp-gate.js';

/**
 * Runs whose slices are read by other processes, which are killed, stopped, cut off and sent away. Most of the time they
 * wait for leases to expire, so the tests run side by side.
 */

const setup = await fleetSetup('workers on other machines');

describe.runIf(setup.isPossible).concurrent('a run whose slices are read by workers', () => {
  it('is exact when one is killed, one stopped beyond its lease, and one cut off', async ({ expect }) => {
    await using fleet = await setup.fleet('chaos');
    const relay = await startTcpGate(setup.server);
    await fleet.authorize('cut', { through: relay, worker: true });
    await fleet.authorize('worker', { worker: true });
    const held = ['held1', 'held2', 'held3'];
    const tables = Array.from({ length: 5 }, (_, n) => `t${n}`);
    for (const [index, name] of held.entries()) await fleet.addHeld(name, index + 1);
    for (const name of tables) await fleet.addTable(name);
    await fleet.query(
      `CREATE TABLE empty (i bigint, t text); GRANT SELECT ON ALL TABLES IN SCHEMA public TO chaos_worker`,
    );
    await fleet.shut(1, 2, 3);

    const run = fleet.coordinate();
    await fleet.until(async () => (await fleet.workers()).length > 0, 'the run has begun');
    await fleet.grantWorker();
    // Each takes one of the tables that nobody can read to the end yet.
    const workers = [
      fleet.work('killed'),
      fleet.work('stopped', { auth: 'worker' }),
      fleet.work('cut', { auth: 'cut' }),
    ];
    await fleet.until(async () => (await fleet.busy('held')) === 3, 'three workers are busy');
    const last = fleet.work('last', { auth: 'worker', flags: ['-p', '3'] });
    const [killed, stopped, cut] = workers;
    killed!.kill('SIGKILL');
    stopped!.kill('SIGSTOP');
    relay.stall();
    for (const name of held) await fleet.reads('last', name);
    // Two read each of them now, and the one that has come back may even be the first to end.
    stopped!.kill('SIGCONT');
    for (const gate of [1, 2, 3]) await fleet.open(gate);
    const { code, stderr } = await run.result;
    expect(stderr).toMatch(/Worker killed on .* was lost while it read public\.held\d: it is read again/);
    expect(stderr.match(/was lost while it read/g)?.length).toBeGreaterThanOrEqual(3);
    expect(code).toBe(0);
    relay.open();
    expect(await fleet.wrongTables([...held, ...tables, 'empty'])).toEqual([]);
    expect((await last.result).code).toBe(0);
    for (const late of [stopped!, cut!]) {
      const end = await late.result;
      expect(end).toMatchObject({ code: 0, stdout: expect.stringContaining('The run is over') as string });
      expect(end.stderr).toMatch(/public\.held\d was taken from this worker/);
    }
    expect(await fleet.leftovers()).toEqual([]);
    await relay.stop();
  });

  it('goes on with the same workers when its coordinator is killed and started again', async ({ expect }) => {
    await using fleet = await setup.fleet('again');
    await fleet.addHeld('held1', 1);
    for (const name of ['t1', 't2', 't3']) await fleet.addTable(name);
    await fleet.shut(1);
    const first = fleet.coordinate('--resume_if_exists');
    const workers = [fleet.work('w1'), fleet.work('w2')];
    await fleet.until(async () => {
      const busy = (await fleet.workers()).some(({ slices }) => slices.some(({ table }) => table === 'public.held1'));
      return busy && first.stderr().match(/public\.t\d completed/g)?.length === 3;
    }, 'the first tables are done');
    first.kill('SIGKILL');
    await first.result;
    await fleet.open(1);
    const second = fleet.coordinate('--resume_if_exists');
    const { code, stderr } = await second.result;
    expect(stderr).toContain('3 tables are published, 1 are left');
    expect(code).toBe(0);
    for (const worker of workers) expect((await worker.result).code).toBe(0);
    expect(await fleet.wrongTables(['held1', 't1', 't2', 't3'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
    // What a launcher starts once more has nothing to do, and neither has a worker.
    const third = fleet.coordinate('--resume_if_exists');
    expect(await third.result).toMatchObject({ code: 0, stdout: '' });
    const late = await fleet.work('late', { flags: ['--json'] }).result;
    expect(parseDocument(late.stdout)).toMatchObject({ exit_code: 0, worker: 'late', ended: 'run_over', slices: 0 });
  });

  it('gives slices back at SIGTERM, ends without workers, and is finished by its own readers', async ({ expect }) => {
    await using fleet = await setup.fleet('lonely');
    await fleet.addHeld('held1', 1);
    await fleet.addTable('t1');
    await fleet.shut(1);
    const run = fleet.coordinate('--workers_wait', '20s');
    await fleet.until(async () => (await fleet.waiting()) === 2, 'autoscalers see two slices');
    const worker = fleet.work('w1', { flags: ['--grace', '3s', '--json'] });
    await fleet.reads('w1', 'held1');
    const status = await fleet.run('status', fleet.runId, '--log_db_auth_id', 'log').result;
    expect(status.stdout).toMatch(/WORKER +HOST +SLOTS.*\n.*w1 /);
    worker.kill('SIGTERM');
    const left = await worker.result;
    expect(left.code).toBe(143);
    const document = { command: 'work', exit_code: 143, run_id: fleet.runId, worker: 'w1', ended: 'signal' };
    expect(parseDocument(left.stdout)).toMatchObject(document);
    const { code, stderr } = await run.result;
    expect(stderr).toMatch(/Worker w1 on .* has given back public\.held1/);
    expect(stderr).toContain('All workers are gone, and none has come for 20 seconds');
    expect(code).toBe(4);
    // Nobody has counted that as a failed attempt.
    await fleet.open(1);
    const resume = [
      '--resume',
      fleet.runId,
      '--log_db_auth_id',
      'log',
      '--workers',
      'external',
      '--local_readers',
      '1',
    ];
    const end = await fleet.run(...resume).result;
    expect(end.stderr).not.toContain('attempt 2');
    expect(end.code).toBe(0);
    expect(await fleet.wrongTables(['held1', 't1'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it.for(['s3', 'gcs', 'azure'] as const)(
    'leaves nothing of a killed worker in a store of kind %s',
    async (kind, { expect }) => {
      const store = await CLI_STORES[kind]();
      await using fleet = await setup.fleet(`in_${kind}`, { store });
      await fleet.addHeld('held1', 1);
      await fleet.addTable('t1');
      await fleet.shut(1);
      // The first files of the table that is held back are staged before it is.
      const run = fleet.coordinate('--max_rows_per_file', '50');
      const killed = fleet.work('killed');
      await fleet.reads('killed', 'held1');
      await fleet.until(async () => (await store.leftovers()).length > 1, 'something is staged');
      killed.kill('SIGKILL');
      const last = fleet.work('last');
      await fleet.reads('last', 'held1');
      await fleet.open(1);
      expect((await run.result).code).toBe(0);
      expect((await last.result).code).toBe(0);
      await fleet.download();
      expect(await fleet.wrongTables(['held1', 't1'])).toEqual([]);
      expect(await store.leftovers()).toEqual([]);
      await store.stop();
    },
  );

  it('refuses workers that would read something else, which end with 2, and goes on with others', async ({
    expect,
  }) => {
    await using fleet = await setup.fleet('strange');
    await fleet.addTable('t1');
    await fleet.query("CREATE ROLE stranger LOGIN SUPERUSER PASSWORD 'secret'");
    await fleet.authorize('other', { source: { username: 'stranger' } });
    const run = fleet.coordinate();
    const other = await fleet.work('w1', { auth: 'other', flags: ['--json'] }).result;
    expect(other.stderr).toMatch(/ds_pg leads to .*user stranger.* and the run reads .*user postgres/);
    expect(other.code).toBe(2);
    const refusal = { command: 'work', run_id: fleet.runId, error: { code: 'WORKER_OTHER_SOURCE' } };
    expect(parseDocument(other.stdout)).toMatchObject(refusal);
    const worker = fleet.work('w2');
    expect(await run.result).toMatchObject({ code: 0 });
    expect(await worker.result).toMatchObject({ code: 0 });
    expect(await fleet.wrongTables(['t1'])).toEqual([]);
    // Of a run that nobody has started.
    const early = await fleet.run('work', '--run_id', randomRunId(), '--log_db_auth_id', 'log', '--wait', '1s').result;
    expect(early).toMatchObject({ code: 4, stderr: expect.stringContaining('which is not in the run log') as string });
  });
});

function randomRunId(): string {
  return '00000000-0000-4000-8000-000000000000';
}
