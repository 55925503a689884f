import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { PostgresFields } from '../../../src/sources/postgres/info.js';
import { openRunLog, type OpenLogOptions, type RunLog } from '../../../src/runlog/run-log.js';
import type { ActiveRun } from '../../../src/runlog/recorder/active-run.js';
import type { RunLogTarget } from '../../../src/runlog/target.js';
import { distModule } from '../../harness/dist.js';
import { failure } from '../../harness/failure.js';
import { type LogDatabase, postgresLog, sqliteLog } from '../../servers/log-databases.js';
import { HeardOfLog, newRun, recordTable, runPlan, runResult, tables } from '../../harness/logged-runs.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { mountTmpfs, ScratchDirectory } from '../../harness/scratch.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';

/** A log that is slow, full or unavailable: the run continues, and nothing of it is lost in the end. */

const PLANS = tables(40);

let scratch: ScratchDirectory;
let heard: HeardOfLog;
const open: RunLog[] = [];

beforeEach(() => {
  scratch = new ScratchDirectory();
  heard = new HeardOfLog();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((log) => log.close()));
  scratch.remove();
});

const unloggedDirectory = () => path.join(scratch.path, 'unlogged');

async function openLog(target: RunLogTarget, options: OpenLogOptions = {}): Promise<RunLog> {
  const log = await openRunLog(target, {
    unloggedDirectory: unloggedDirectory(),
    writer: { gatherMs: 20, heartbeatMs: 200, retryMs: [50, 100] },
    ...options,
  });
  open.push(log);
  return log;
}

/** As in an export that takes longer: the driver runs in its own thread. */
function openThreaded(target: RunLogTarget, options: OpenLogOptions = {}): Promise<RunLog> {
  return openLog(target, {
    threaded: true,
    threadAfterMs: 0,
    threadEntry: new URL(distModule('runlog/thread/log-thread.js')),
    ...options,
  });
}

async function begin(log: RunLog): Promise<ActiveRun> {
  const run = await log.begin(newRun(), heard);
  run.recorder.planned(runPlan(PLANS));
  await run.flush();
  return run;
}

/** The rest of the run, with `happens` in the middle of it. */
async function recordAround(run: ActiveRun, happens: () => void | Promise<void>): Promise<void> {
  const results = [];
  for (const [index, plan] of PLANS.entries()) {
    if (index === PLANS.length / 2) await happens();
    results.push(recordTable(run.recorder, plan));
    await pause(5);
  }
  run.recorder.ended(runResult(run.runId, results));
}

async function heardOf(event: string): Promise<void> {
  for (let waited = 0; !heard.events.includes(event); waited += 20) {
    if (waited > 20_000) throw new Error(`no ${event} among ${heard.events.join()}`);
    await pause(20);
  }
}

async function expectComplete(log: RunLog, runId: string): Promise<void> {
  const { run, tables: logged, partitions, files } = await log.history(runId);
  expect(run).toMatchObject({ state: 'completed', completedTables: PLANS.length, files: PLANS.length });
  expect(logged.filter((table) => table.state === 'completed')).toHaveLength(PLANS.length);
  expect(partitions.filter((one) => one.state === 'completed')).toHaveLength(PLANS.length);
  expect(new Set(files.map((file) => file.objectPath)).size).toBe(PLANS.length);
  expect(files).toHaveLength(PLANS.length);
}

describe('a log in PostgreSQL', () => {
  let server: PostgresServer;
  let gate: TcpGate;
  let target: RunLogTarget;
  let database: LogDatabase;

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(() => server.stop());

  beforeEach(async () => {
    gate = await startTcpGate(server);
    database = await postgresLog(server);
    target = structuredClone(database.target);
    Object.assign(target.info as PostgresFields, {
      server: gate.host,
      port: gate.port,
      ssl: 'disable',
      connectTimeoutMs: 2_000,
    });
  });

  afterEach(async () => {
    await gate.stop();
    await database.remove();
  });

  it.each([
    { where: 'in a thread', openIt: openThreaded },
    { where: 'in the main thread', openIt: openLog },
  ])('holds the whole run after its server was restarted ($where)', async ({ openIt }) => {
    const log = await openIt(target);
    const run = await begin(log);
    await recordAround(run, () => server.restart());
    await run.finish();
    expect(heard.events.every((event) => event === 'trouble' || event === 'recovered')).toBe(true);
    await expectComplete(log, run.runId);
  });

  it('that is unavailable for a while is reported once, and is complete afterwards', async () => {
    const log = await openThreaded(target);
    const run = await begin(log);
    await recordAround(run, async () => {
      gate.shut();
      await heardOf('trouble');
    });
    expect(heard.events).toEqual(['trouble']);
    expect(heard.errors[0]).toMatchObject({ exit: 'unreachable', transient: true });
    expect(heard.errors[0]?.message).toContain(`127.0.0.1:${gate.port}/postgres`);
    expect(heard.errors[0]?.message).not.toContain(server.password);
    gate.open();
    await run.finish();
    expect(heard.events).toEqual(['trouble', 'recovered']);
    await expectComplete(log, run.runId);
  });

  it('that accepts calls but never answers does not block the run, and is complete afterwards', async () => {
    const log = await openThreaded(target, { callTimeoutMs: 3_000 });
    const run = await begin(log);
    const delay = monitorEventLoopDelay();
    delay.enable();
    await recordAround(run, async () => {
      gate.stall();
      await heardOf('trouble');
    });
    delay.disable();
    expect(heard.errors[0]).toMatchObject({ code: 'RUN_LOG_TIMEOUT' });
    expect(delay.max / 1e6).toBeLessThan(3000);
    gate.open();
    await run.finish();
    await expectComplete(log, run.runId);
  });

  it('whose connection is cut repeatedly has every row once', async () => {
    const log = await openThreaded(target);
    const run = await begin(log);
    const cutting = setInterval(() => gate.cut(), 15);
    await recordAround(run, () => undefined);
    clearInterval(cutting);
    await run.finish();
    await expectComplete(log, run.runId);
  });

  it('that stays unavailable gets the run from the next one that reaches it; until then a file holds it', async () => {
    const log = await openThreaded(target);
    const run = await begin(log);
    await recordAround(run, () => gate.shut());
    const before = performance.now();
    await run.finish({ withinMs: 300 });
    expect(performance.now() - before).toBeLessThan(3_000);
    expect(heard.events).toEqual(['trouble', 'kept']);
    expect(heard.kept).toEqual([path.join(unloggedDirectory(), `${run.runId}.json`)]);
    expect((statSync(heard.kept[0]!).mode & 0o777).toString(8)).toBe('600');
    expect(readFileSync(heard.kept[0]!, 'utf8')).not.toContain(server.password);
    await log.close();

    gate.open();
    const next = await openLog(target);
    await expectComplete(next, run.runId);
    expect(readdirSync(unloggedDirectory())).toEqual([]);
  });

  it('leaves the saved runs of other logs alone', async () => {
    const log = await openLog(target);
    const run = await begin(log);
    await recordAround(run, () => gate.shut());
    await run.finish({ withinMs: 100 });
    const other = await openLog(sqliteLog().target);
    expect(await other.runs({ limit: 1 })).toEqual([]);
    expect(readdirSync(unloggedDirectory())).toHaveLength(1);
  });

  it('leaves a run alone that another process has finished', async () => {
    const log = await openLog(target);
    const run = await begin(log);
    await recordAround(run, () => gate.shut());
    await run.finish({ withinMs: 100 });
    await log.close();
    gate.open();
    // As on another machine, which does not have the file.
    const elsewhere = await openLog(target, { unloggedDirectory: path.join(scratch.path, 'elsewhere') });
    await database.query(`update export_runs set heartbeat_at = now() - interval '2 minutes'`);
    const resumed = await elsewhere.resume(run.runId);
    resumed.run.recorder.ended(runResult(run.runId, [], 'tables-failed'));
    await resumed.run.finish();

    const next = await openLog(target);
    expect((await next.history(run.runId)).run).toMatchObject({ state: 'failed', attempt: 2 });
    expect(readdirSync(unloggedDirectory())).toEqual([]);
  });

  it('that is full is reported as full', async () => {
    const log = await openLog(target);
    // Raises the server's own error without filling a disk.
    await database.query(
      `create function full_disk() returns trigger language plpgsql as $$ begin
         raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
       create trigger full_disk before insert on export_jobs execute function full_disk()`,
    );
    const run = await begin(log);
    await heardOf('trouble');
    expect(heard.errors[0]).toMatchObject({ code: 'RUN_LOG_FULL', context: { detail: 'SQLSTATE 53100' } });
    await database.query('drop trigger full_disk on export_jobs');
    await recordAround(run, () => undefined);
    await run.finish();
    await expectComplete(log, run.runId);
  });

  it('that does not answer at the start is an error with its address', async () => {
    gate.shut();
    const error = await failure(openThreaded(target));
    expect(error).toMatchObject({ code: 'RUN_LOG_UNREACHABLE', exit: 'unreachable' });
    expect(error.message).toContain(`127.0.0.1:${gate.port}`);
  });
});

describe('a log in SQLite', () => {
  it.each([
    { where: 'in a thread', threadAfterMs: 0 },
    { where: 'before the thread starts', threadAfterMs: 60_000 },
  ])(
    'that another process keeps locked does not slow the run down, and is complete afterwards ($where)',
    async (options) => {
      const { target, file } = sqliteLog();
      const log = await openThreaded(target, options);
      const run = await begin(log);
      const other = new DatabaseSync(file, { timeout: 5_000 });
      const delay = monitorEventLoopDelay();
      delay.enable();
      const before = performance.now();
      await recordAround(run, () => other.exec('begin immediate'));
      const seconds = (performance.now() - before) / 1000;
      delay.disable();
      expect(seconds).toBeLessThan(10);
      expect(delay.max / 1e6).toBeLessThan(3000);
      other.exec('commit');
      other.close();
      await run.finish();
      await expectComplete(log, run.runId);
    },
  );

  it('on a full disk is written again once there is space', async (context) => {
    const disk = mountTmpfs('1m');
    if (disk === undefined) return context.skip('this user may not mount');
    try {
      const filler = path.join(disk.path, 'filler');
      const log = await openThreaded({
        kind: 'database',
        id: 'log',
        engine: 'sqlite',
        info: { filepath: path.join(disk.path, 'runs.sqlite') },
      });
      const run = await begin(log);
      await recordAround(run, async () => {
        fill(filler);
        await heardOf('trouble');
      });
      expect(heard.errors[0]).toMatchObject({ code: 'RUN_LOG_FULL' });
      expect(heard.errors[0]?.hint).toContain('space');
      rmSync(filler);
      await run.finish();
      await expectComplete(log, run.runId);
      await log.close();
    } finally {
      disk.unmount();
    }
  });

  it('is handed to its thread in the middle of a run, which is complete afterwards', async () => {
    const { target } = sqliteLog();
    const log = await openThreaded(target, { threadAfterMs: 300 });
    const run = await begin(log);
    const resources = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
    const before = resources();
    await recordAround(run, () => pause(400));
    await run.flush();
    const after = resources();
    await run.finish();
    expect(heard.events).toEqual([]);
    expect(after).toBeGreaterThan(before);
    await expectComplete(log, run.runId);
  });

  it('whose file is moved away continues in a new one, with the whole run', async () => {
    const { target, file } = sqliteLog();
    const log = await openThreaded(target);
    const run = await begin(log);
    await recordAround(run, () => {
      renameSync(file, `${file}.moved`);
      for (const side of ['-wal', '-shm']) rmSync(`${file}${side}`, { force: true });
    });
    await run.finish();
    await expectComplete(log, run.runId);
    expect(existsSync(file)).toBe(true);
  });

  it('whose file is damaged is reported, and the run is saved to a file', async () => {
    const { target, file } = sqliteLog();
    const log = await openThreaded(target);
    const run = await begin(log);
    await recordAround(run, () => spoil(file));
    await run.finish({ withinMs: 300 });
    expect(heard.events).toEqual(['trouble', 'kept']);
    expect(heard.errors[0]).toMatchObject({ code: 'RUN_LOG_DAMAGED' });
  });

  it('is reported as lost only if no file can be written either', async () => {
    const { target, file } = sqliteLog();
    writeFileSync(unloggedDirectory(), 'in the way');
    const log = await openThreaded(target);
    const run = await begin(log);
    await recordAround(run, () => spoil(file));
    await run.finish({ withinMs: 300 });
    expect(heard.events).toEqual(['trouble', 'lost']);
  });
});

function spoil(file: string): void {
  for (const one of [file, `${file}-wal`, `${file}-shm`]) rmSync(one, { force: true });
  writeFileSync(file, 'not a database, and longer than the header of one '.repeat(100));
}

function fill(file: string): void {
  const portion = new Uint8Array(4096).fill(1);
  try {
    for (;;) writeFileSync(file, portion, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
