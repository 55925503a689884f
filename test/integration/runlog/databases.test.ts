import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { MssqlFields } from '../../../src/sources/mssql/info.js';
import type { TableSync } from '../../../src/export/model/table-sync.js';
import { LakeportError } from '../../../src/errors.js';
import { openRunLog, type OpenLogOptions, type RunLog } from '../../../src/runlog/run-log.js';
import { failure } from '../../harness/failure.js';
import { type LogDatabase, postgresLog, sqliteLog } from '../../servers/log-databases.js';
import {
  HeardOfLog,
  newRun,
  recordFailure,
  recordTable,
  runPlan,
  runResult,
  stagedOutcome,
  tableResult,
  tables,
} from '../../harness/logged-runs.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { sqlServerLog } from '../../servers/sql-server-log.js';

const DENIED = new LakeportError({
  code: 'TABLE_PERMISSION_DENIED',
  message: 'permission denied for table table_1',
  hint: 'GRANT SELECT',
});

let server: PostgresServer;
let database: LogDatabase;
const open: RunLog[] = [];

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server.stop());

afterEach(async () => {
  await Promise.all(open.splice(0).map((log) => log.close()));
  await database.remove();
});

async function openLog(options: OpenLogOptions = {}): Promise<RunLog> {
  const log = await openRunLog(database.target, { unloggedDirectory: '/nonexistent', ...options });
  open.push(log);
  return log;
}

/** A process that is gone: its id is larger than any system assigns. */
const DEAD = JSON.stringify({ pid: 2 ** 30, host: 'elsewhere' });

const kinds: { name: string; make: () => Promise<LogDatabase> }[] = [
  { name: 'SQLite', make: () => Promise.resolve(sqliteLog()) },
  { name: 'PostgreSQL', make: () => postgresLog(server) },
  { name: "SQL Server's wire", make: sqlServerLog },
];

describe.each(kinds)('a run log in $name', ({ make }) => {
  beforeEach(async () => {
    database = await make();
  });

  /** A finished run of one table that succeeded, with two slices, and one that failed. */
  async function recordRun(log: RunLog, changes: Parameters<typeof newRun>[0] = {}): Promise<string> {
    const run = await log.begin(newRun(changes));
    const [good, bad] = tables(2, { slices: 2 });
    run.recorder.planned(runPlan([good!, bad!]));
    const results = [recordTable(run.recorder, good!), recordFailure(run.recorder, bad!, DENIED)];
    run.recorder.ended(runResult(run.runId, results, 'tables-failed'));
    await run.finish();
    return run.runId;
  }

  it('returns what was recorded, with times to the millisecond', async () => {
    const log = await openLog();
    const startedAt = new Date('2026-01-02T03:04:05.678Z');
    const runId = await recordRun(log, { startedAt, envName: 'production', settings: { jobs: 4, include: ['a%'] } });
    const { run, tables: logged, partitions, files } = await log.history(runId);

    expect(run).toMatchObject({
      runId,
      state: 'failed',
      attempt: 1,
      envName: 'production',
      settings: { jobs: 4, include: ['a%'] },
      startedAt,
      sourceType: 'postgres',
      sourceServer: 'db1:5432',
      sourceDatabase: 'shop',
      target: 'out',
      consistency: 'run',
      snapshotId: '100:200:',
      snapshotAt: startedAt,
      tables: 2,
      completedTables: 1,
      failedTables: 1,
      rows: 20,
      bytes: 2000,
      files: 2,
    });
    expect(run.endedAt!.getTime()).toBeGreaterThan(startedAt.getTime());
    expect(logged).toMatchObject([
      { schema: 'public', table: 'table_0', state: 'completed', rows: 20, files: 2, partitions: 2, attempts: 1 },
      {
        table: 'table_1',
        state: 'failed',
        rows: undefined,
        error: { class: 'tables-failed', code: DENIED.code, message: DENIED.message, hint: DENIED.hint },
      },
    ]);
    expect(partitions.map(({ jobId, sliceIndex, state, rows }) => [jobId, sliceIndex, state, rows])).toEqual([
      [0, 0, 'completed', 10],
      [0, 1, 'completed', 10],
      [1, 0, 'failed', undefined],
      [1, 1, 'pending', undefined],
    ]);
    expect(files.map(({ objectPath, rows, bytes, sha256 }) => [objectPath, rows, bytes, sha256])).toEqual([
      ['public/table_0/part-00000.parquet', 10, 1000, 'ab'.repeat(32)],
      ['public/table_0/part-00001.parquet', 10, 1000, 'ab'.repeat(32)],
    ]);
  });

  it('keeps what syncs of tables read and where they ended, also when runs are gone', async () => {
    const log = await openLog();
    const [first, second] = tables(2);
    const increment = { condition: '"id" > 5', lower: '5', nulls: 0, isIndexed: true } as const;
    const sync = (number: number): TableSync => ({
      number,
      cursor: { type: 'integer', column: 'id' },
      strategy: 'append',
      isFull: number === 1,
      increment: { ...increment, upper: String(number * 10), watermark: String(number * 10), behindSeconds: 1.6 },
      compacts: false,
    });
    for (const number of [1, 2, 3]) {
      const placeOf = ({ storageId, path }: { storageId: string; path: string }) => `here ${storageId} ${path}`;
      const run = await log.begin(newRun({ syncId: 'hourly' }), {}, placeOf);
      run.recorder.planned(runPlan([{ ...first!, sync: sync(number) }, second!]));
      // What was published is not always what was planned.
      const published = sync(number + 1);
      run.recorder.tableEnded(tableResult(first!, { rows: number, sync: published }));
      run.recorder.tableEnded(tableResult(second!));
      run.recorder.ended(runResult(run.runId, []));
      await run.finish();
      const { run: logged, tables: jobs } = await log.history(run.runId);
      expect(logged.syncId).toBe('hourly');
      expect(jobs.map((job) => job.sync)).toEqual([published, undefined]);
    }
    await database.query('delete from export_runs');
    const found = await log.watermarks({ syncId: 'hourly', limit: 2 });
    expect(found.map(({ number, rows, upper }) => [number, rows, upper])).toEqual([
      [4, 3, '40'],
      [3, 2, '30'],
    ]);
    expect(found[0]).toMatchObject({
      ...{ schema: 'public', table: 'table_0', kind: 'increment', cursorType: 'integer', cursorColumn: 'id' },
      ...{ watermark: '40', lower: '5', behindSeconds: 2, snapshotAt: new Date('2026-01-02T03:04:05.678Z') },
      place: `here ${first!.storageId} ${first!.displayPath}`,
    });
    expect(await log.watermarks({ tables: [first!.id], limit: 9 })).toHaveLength(3);
    expect(await log.watermarks({ tables: [{ ...first!.id, schema: 'other' }], limit: 9 })).toEqual([]);
    expect(await log.watermarks({ syncId: 'daily', limit: 9 })).toEqual([]);
  });

  it('stores 64-bit numbers, and text of any length and script', async () => {
    const log = await openLog();
    const run = await log.begin(newRun({ commandLine: `lakeport ${'ünï "quoted" \u{1f41f} '.repeat(2000)}` }));
    const [plan] = tables(1);
    run.recorder.planned(runPlan([{ ...plan!, estimatedBytes: 5_000_000_000, consistency: 'none' }]));
    run.recorder.tableStarted(plan!.id);
    run.recorder.tableEnded(tableResult(plan!, { rows: 4_294_967_297, bytes: 2 ** 52 }));
    await run.flush();
    const history = await log.history(run.runId);
    expect(history.run).toMatchObject({ rows: 4_294_967_297, bytes: 2 ** 52 });
    expect(history.run.commandLine).toHaveLength(9 + 2000 * 16);
    expect(history.tables[0]).toMatchObject({
      rows: 4_294_967_297,
      estimatedBytes: 5_000_000_000,
      consistency: 'none',
    });
    run.recorder.ended(runResult(run.runId, []));
    await run.finish();
  });

  it('lists runs, latest first, up to the limit', async () => {
    const log = await openLog();
    const ids: string[] = [];
    for (const day of [1, 3, 2]) ids.push(await recordRun(log, { startedAt: new Date(`2026-01-0${day}T00:00:00Z`) }));
    const runs = await log.runs({ limit: 2 });
    expect(runs.map((run) => run.runId)).toEqual([ids[1], ids[2]]);
  });

  it('rejects a run id that it already has', async () => {
    const log = await openLog();
    const runId = await recordRun(log);
    const error = await failure(log.begin(newRun({ runId })));
    expect(error).toMatchObject({ code: 'RUN_ID_EXISTS', exit: 'usage' });
    expect(error.message).toContain(runId);
    // The log still works.
    await recordRun(log);
  });

  it('writes more rows than fit in one statement, each once', async () => {
    const log = await openLog();
    const run = await log.begin(newRun());
    const plans = tables(333, { slices: 3 });
    run.recorder.planned(runPlan(plans));
    await run.flush();
    const results = plans.map((plan) => recordTable(run.recorder, plan));
    run.recorder.ended(runResult(run.runId, results));
    await run.finish();
    const history = await log.history(run.runId);
    expect(history.tables.map((table) => table.table)).toEqual(plans.map((plan) => plan.id.name));
    expect(history.tables.every((table) => table.state === 'completed')).toBe(true);
    expect(new Set(history.partitions.map((one) => `${one.jobId} ${one.sliceIndex}`)).size).toBe(999);
    expect(new Set(history.files.map((file) => file.objectPath)).size).toBe(999);
  });

  it('is recreated on request, and keeps the settings that users have entered', async () => {
    const log = await openLog();
    await database.query(SETTINGS);
    for (const mode of ['truncate', 'drop'] as const) {
      const runId = await recordRun(log);
      const again = await openLog({ mode });
      expect(await again.runs({ limit: 10 })).toEqual([]);
      expect((await failure(again.history(runId))).code).toBe('RUN_UNKNOWN');
      expect(await again.tableSettings(OF_TPCH)).toHaveLength(1);
      for (const table of ['export_jobs', 'export_partitions', 'export_files']) {
        expect(await database.query(`select run_id from ${table}`)).toEqual([]);
      }
    }
  });

  it('refuses to remove a run in progress, in either mode', async () => {
    const log = await openLog();
    const run = await log.begin(newRun());
    for (const mode of ['truncate', 'drop'] as const) {
      const error = await failure(openLog({ mode }));
      expect(error).toMatchObject({ code: 'RUN_LOG_IN_USE', exit: 'in-use' });
      expect(error.message).toContain(run.runId);
    }
    run.recorder.ended(runResult(run.runId, []));
    await run.finish();
    await openLog({ mode: 'drop' });
  });

  it('reads settings inserted as in the documentation of LakeXpress', async () => {
    const log = await openLog();
    await database.query(SETTINGS);
    await database.query(`INSERT INTO partition_columns (
        source_db_type, source_database, source_schema, source_table,
        fastbcp_method, fastbcp_parallel_degree, fastbcp_distribution_key
      ) VALUES ('postgres', 'tpch', 'tpch_1', 'events', 'Ctid', 4, NULL)`);
    expect(await log.tableSettings(OF_TPCH)).toEqual([
      { schema: 'tpch_1', table: 'lineitem', method: 'DataDriven', degree: 8, key: 'YEAR(l_shipdate)' },
    ]);
    expect(await log.tableSettings({ ...OF_TPCH, envName: undefined })).toEqual([
      { schema: 'tpch_1', table: 'events', method: 'Ctid', degree: 4, key: undefined },
    ]);
  });

  it('deletes everything of a run when its row is deleted', async () => {
    const log = await openLog();
    await recordRun(log);
    const kept = await recordRun(log);
    await database.query(`delete from export_runs where run_id <> '${kept}'`);
    for (const table of ['export_jobs', 'export_partitions', 'export_files']) {
      const rows = await database.query(`select distinct run_id from ${table}`);
      expect(rows).toEqual([{ run_id: kept }]);
    }
  });

  describe('a run without a process', () => {
    /** As if its process had been killed on another machine. */
    async function killed(log: RunLog, silentSeconds: number) {
      const run = await log.begin(newRun());
      const plans = tables(2, { slices: 3 });
      run.recorder.planned(runPlan(plans));
      recordTable(run.recorder, plans[0]!);
      run.recorder.tableStarted(plans[1]!.id);
      run.recorder.sliceStarted(plans[1]!.id, 1);
      run.recorder.sliceStaged(plans[1]!.id, 1, stagedOutcome(plans[1]!, 1));
      await run.flush();
      await database.query(`update export_runs set process = '${DEAD}', heartbeat_at = ${ago(silentSeconds)}`);
      return { run, plans };
    }

    function ago(seconds: number): string {
      return database.target.engine !== 'postgres'
        ? `strftime('%Y-%m-%d %H:%M:%f', 'now', '-${seconds} seconds')`
        : `now() - interval '${seconds} seconds'`;
    }

    it('is shown as interrupted, with its running table, when its heartbeat is a minute old', async () => {
      const log = await openLog();
      const { run } = await killed(log, 58);
      const states = async () => {
        const [runs, jobs] = [await database.query('select status from runs'), await database.query(JOB_STATES)];
        return [...runs, ...jobs].map((row) => row['status']);
      };
      expect(await states()).toEqual(['running', 'completed', 'running']);
      await database.query(`update export_runs set heartbeat_at = ${ago(61)}`);
      expect(await states()).toEqual(['interrupted', 'completed', 'interrupted']);
      const history = await log.history(run.runId);
      expect(history.run.state).toBe('interrupted');
      expect(history.tables.map((table) => table.state)).toEqual(['completed', 'interrupted']);
    });

    it('is shown as interrupted at once if its process was on this machine', async () => {
      const log = await openLog();
      const { run } = await killed(log, 0);
      expect((await log.runs({ limit: 1 }))[0]?.state).toBe('running');
      const { process } = (await log.history(run.runId)).run;
      const here = JSON.parse((await otherHolder()).process) as object;
      const dead = JSON.stringify({ ...here, pid: 2 ** 30 });
      await database.query(`update export_runs set process = '${dead}'`);
      expect((await log.runs({ limit: 1 }))[0]?.state).toBe('interrupted');
      expect(process).toMatchObject({ host: 'elsewhere' });
    });

    it('is taken over with everything known of it, and its former process writes nothing more', async () => {
      const log = await openLog();
      const heard = new HeardOfLog();
      const before = await log.begin(newRun(), heard);
      await database.query(`update export_runs set process = '${DEAD}', heartbeat_at = ${ago(61)}`);
      const { run, history } = await (await openLog()).resume(before.runId);
      expect(history.run).toMatchObject({ attempt: 2, settings: { sourceId: 'ds_pg', jobs: 4 }, endedAt: undefined });

      before.recorder.failed(DENIED);
      await before.finish();
      expect(heard.events).toEqual(['taken']);
      run.recorder.ended(runResult(run.runId, []));
      await run.finish();
      expect((await log.history(run.runId)).run).toMatchObject({ state: 'completed', attempt: 2, error: undefined });
    });

    it('continues where it stopped: published tables and staged slices are known', async () => {
      const log = await openLog();
      const { run: before, plans } = await killed(log, 61);
      const { run, history } = await log.resume(before.runId);
      expect(history.tables.map((table) => table.state)).toEqual(['completed', 'running']);
      expect(history.partitions.filter((one) => one.staged !== undefined)).toMatchObject([
        { jobId: 1, sliceIndex: 1, staged: stagedOutcome(plans[1]!, 1), slice: { query: 'table_1 1' } },
      ]);

      run.recorder.planned(runPlan([plans[1]!]));
      const result = recordTable(run.recorder, plans[1]!);
      run.recorder.ended(runResult(run.runId, [result]));
      await run.finish();
      const after = await log.history(run.runId);
      expect(after.run).toMatchObject({ state: 'completed', tables: 2, completedTables: 2, rows: 60, files: 6 });
      expect(after.partitions.map((one) => one.attempts)).toEqual([1, 1, 1, 1, 2, 1]);
    });

    it('is resumed by exactly one of several processes that try at the same time', async () => {
      const { run } = await killed(await openLog(), 61);
      const logs = await Promise.all([openLog(), openLog(), openLog()]);
      const tries = await Promise.allSettled(logs.map((log) => log.resume(run.runId)));
      const refused = tries.filter((one) => one.status === 'rejected').map((one) => (one.reason as LakeportError).code);
      expect(refused).toEqual(['RUN_HELD', 'RUN_HELD']);
    });
  });

  describe('a stored sync', () => {
    const stored = { syncId: 'hourly', envName: 'prod', commandLine: 'lakeport config create', settings: { a: [1] } };

    it('is kept until it is deleted, and replaced only if asked', async () => {
      const log = await openLog({ redact: (text) => text.replaceAll('create', '***') });
      expect(await log.saveSync(stored, { replaces: false })).toBe(false);
      const error = await failure(log.saveSync(stored, { replaces: false }));
      expect(error).toMatchObject({ code: 'SYNC_EXISTS', exit: 'usage' });
      const [before] = await log.syncs();
      expect(before).toMatchObject({ ...stored, commandLine: 'lakeport config ***' });
      expect(await log.saveSync({ ...stored, settings: { b: 2 } }, { replaces: true })).toBe(true);
      const [after] = await log.syncs();
      expect(after).toMatchObject({ settings: { b: 2 }, createdAt: before!.createdAt });
      await openLog({ mode: 'truncate' });
      const again = await openLog({ mode: 'drop' });
      expect(await again.syncs()).toHaveLength(1);
      expect(await again.deleteSync('hourly')).toBe(true);
      expect(await again.deleteSync('hourly')).toBe(false);
      expect(await again.syncs()).toEqual([]);
    });

    it('has one run at a time, whose lock goes with its end', async () => {
      const log = await openLog();
      await log.saveSync(stored, { replaces: false });
      const run = await log.begin(newRun({ syncId: 'hourly' }));
      const error = await failure(log.begin(newRun({ syncId: 'hourly' })));
      expect(error).toMatchObject({ code: 'SYNC_RUNNING', exit: 'in-use' });
      expect(error.message).toMatch(`process ${process.pid} on host`);
      expect(error.message).toContain(run.runId);
      expect((await failure(log.deleteSync('hourly'))).code).toBe('SYNC_RUNNING');
      // The refused run has left nothing, and others are not concerned.
      expect(await log.runs({ limit: 9, syncId: 'hourly' })).toHaveLength(1);
      const other = await log.begin(newRun({ syncId: 'daily' }));
      expect((await log.syncLocks()).map(({ syncId, isLiving }) => [syncId, isLiving])).toEqual([
        ['daily', true],
        ['hourly', true],
      ]);
      await other.withdraw();
      run.recorder.ended(runResult(run.runId, []));
      await run.finish();
      expect(await log.syncLocks()).toEqual([]);
      // A lock that is released by hand ends its run at the next heartbeat.
      const heard = new HeardOfLog();
      const next = await log.begin(newRun({ syncId: 'hourly' }), heard);
      const [lock] = await log.syncLocks({ syncId: 'hourly' });
      expect(await log.releaseLock(lock!)).toBe(true);
      await next.flush();
      expect(heard.events).toEqual(['taken']);
    });

    it('is locked by exactly one of several processes that start it at the same time', async () => {
      const logs = await Promise.all([openLog(), openLog(), openLog(), openLog()]);
      const tries = await Promise.allSettled(logs.map((log) => log.begin(newRun({ syncId: 'hourly' }))));
      const refused = tries.filter((one) => one.status === 'rejected').map((one) => (one.reason as LakeportError).code);
      expect(refused).toEqual(['SYNC_RUNNING', 'SYNC_RUNNING', 'SYNC_RUNNING']);
      expect(await logs[0].runs({ limit: 9 })).toHaveLength(1);
    });

    it('is taken over from a dead process, whose run can then neither be resumed nor go on', async () => {
      const log = await openLog();
      const heard = new HeardOfLog();
      const before = await log.begin(newRun({ syncId: 'hourly' }), heard);
      const silentFor = async (seconds: number) => {
        const ago =
          database.target.engine === 'postgres'
            ? `now() - interval '${seconds} seconds'`
            : `strftime('%Y-%m-%d %H:%M:%f', 'now', '-${seconds} seconds')`;
        await database.query(`update export_sync_locks set process = '${DEAD}', heartbeat_at = ${ago}`);
        await database.query(`update export_runs set process = '${DEAD}', heartbeat_at = ${ago}`);
      };
      await silentFor(55);
      expect((await failure(log.begin(newRun({ syncId: 'hourly' })))).message).toContain('on host elsewhere');
      await silentFor(61);
      expect((await log.syncLocks())[0]).toMatchObject({ isLiving: false, runId: before.runId });
      const next = await log.begin(newRun({ syncId: 'hourly' }));
      expect((await log.syncLocks())[0]).toMatchObject({ isLiving: true, runId: next.runId });
      expect((await failure(log.resume(before.runId))).code).toBe('SYNC_RUNNING');
      await before.flush();
      expect(heard.events).toEqual(['taken']);
      next.recorder.failed(DENIED);
      await next.finish();
      // A resume holds the lock as well.
      const { run } = await log.resume(next.runId);
      expect((await failure(log.begin(newRun({ syncId: 'hourly' })))).code).toBe('SYNC_RUNNING');
      run.recorder.ended(runResult(run.runId, []));
      await run.finish();
      expect(await log.syncLocks()).toEqual([]);
    });

    it('loses old runs with all their rows, as many as were counted before, and keeps the last watermarks', async () => {
      const log = await openLog();
      const [plan] = tables(1, { slices: 2 });
      const increment = {
        condition: undefined,
        watermark: '1',
        lower: undefined,
        upper: '1',
        nulls: 0,
        isIndexed: true,
      };
      const cursor = { type: 'integer', column: 'id' } as const;
      const runs: { runId: string; holder: string }[] = [];
      for (const number of [1, 2, 3]) {
        const run = await log.begin(newRun({ syncId: 'hourly' }));
        run.recorder.planned(runPlan([plan!]));
        const result = recordTable(run.recorder, plan!);
        const sync = { number, cursor, strategy: 'append', isFull: false, increment, compacts: false } as const;
        run.recorder.tableEnded({ ...result, sync });
        run.recorder.ended(runResult(run.runId, [result]));
        await run.finish();
        runs.push({ runId: run.runId, holder: (await log.history(run.runId)).run.holder });
      }
      // The last one was resumed meanwhile.
      const request = { runs: [...runs.slice(0, 2), { ...runs[2]!, holder: 'another' }], isDryRun: false };
      const counted = await log.deleteRuns({ ...request, isDryRun: true });
      expect(counted).toEqual({ runs: 2, jobs: 2, partitions: 4, files: 4, watermarks: 2 });
      const rows = async () => {
        const all = ['runs', 'jobs', 'partitions', 'files', 'watermarks'];
        const counts = all.map((name) => database.query(`select run_id from export_${name}`));
        return (await Promise.all(counts)).map(({ length }) => length);
      };
      const before = await rows();
      expect(await log.deleteRuns(request)).toEqual(counted);
      expect((await rows()).map((count, at) => before[at]! - count)).toEqual(Object.values(counted));
      await log.deleteRuns({ runs, isDryRun: false });
      expect(await log.watermarks({ limit: 9 })).toMatchObject([{ number: 3 }]);
      await log.drop();
      expect(await database.query(existingTables())).toEqual([]);
    });

    function existingTables(): string {
      return database.target.engine === 'postgres'
        ? 'select table_name from information_schema.tables where table_schema = current_schema()'
        : `select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'`;
    }
  });

  it('refuses to resume a run that is unknown, complete or in progress', async () => {
    const log = await openLog();
    const held = await log.begin(newRun());
    const complete = await log.begin(newRun());
    complete.recorder.ended(runResult(complete.runId, []));
    await complete.finish();
    expect(await failure(log.resume('nobody'))).toMatchObject({ code: 'RUN_UNKNOWN', exit: 'usage' });
    expect(await failure(log.resume(complete.runId))).toMatchObject({ code: 'RUN_FINISHED', exit: 'usage' });
    const error = await failure(log.resume(held.runId));
    expect(error).toMatchObject({ code: 'RUN_HELD', exit: 'in-use' });
    expect(error.message).toContain(`process ${process.pid}`);
    held.recorder.failed(DENIED);
    await held.finish();
    await log.resume(held.runId);
  });

  it('holds the whole run in the end even if it was emptied in the middle of it', async () => {
    const log = await openLog();
    const heard = new HeardOfLog();
    const run = await log.begin(newRun(), heard);
    const plans = tables(3);
    run.recorder.planned(runPlan(plans));
    const first = recordTable(run.recorder, plans[0]!);
    await run.flush();
    for (const table of ['export_files', 'export_partitions', 'export_jobs', 'export_runs']) {
      await database.query(`delete from ${table}`);
    }
    const rest = plans.slice(1).map((plan) => recordTable(run.recorder, plan));
    run.recorder.ended(runResult(run.runId, [first, ...rest]));
    await run.finish();
    expect(heard.events).toEqual([]);
    expect(await log.history(run.runId)).toMatchObject({
      run: { state: 'completed', completedTables: 3 },
      tables: [{ state: 'completed' }, { state: 'completed' }, { state: 'completed' }],
      files: [{}, {}, {}],
    });
  });

  it('contains no secret in any row', async () => {
    const log = await openLog({ redact: (text) => text.replaceAll('hunter2', '***') });
    const run = await log.begin(
      newRun({ commandLine: 'lakeport --x hunter2', settings: { a: ['hunter2'] }, target: 's3://hunter2' }),
    );
    const [plan] = tables(1);
    run.recorder.planned(runPlan([plan!]));
    const leak = new LakeportError({
      code: 'UNEXPECTED',
      exit: 'unreachable',
      message: 'pw hunter2',
      hint: 'not hunter2',
    });
    const result = recordFailure(run.recorder, plan!, leak);
    run.recorder.ended(runResult(run.runId, [result], 'tables-failed'));
    await run.finish();
    const rows = await Promise.all(
      ['export_runs', 'export_jobs', 'export_partitions'].map((table) => database.query(`select * from ${table}`)),
    );
    expect(JSON.stringify(rows)).not.toContain('hunter2');
    expect(JSON.stringify(rows)).toContain('***');
  });
});

const OF_TPCH = { engine: 'postgres', database: 'tpch', envName: 'production' };

const JOB_STATES = 'select status from jobs order by job_id';

const SETTINGS = `INSERT INTO partition_columns (
    source_db_type, source_database, source_schema, source_table, fastbcp_method, fastbcp_parallel_degree,
    fastbcp_distribution_key, env_name
  ) VALUES ('postgres', 'tpch', 'tpch_1', 'lineitem', 'DataDriven', 8, 'YEAR(l_shipdate)', 'production')`;

async function otherHolder() {
  const { newOwner } = await import('../../../src/runlog/run-owner.js');
  return newOwner();
}

it('a log in SQL Server sends no password if encryption is required and the server offers none', async () => {
  database = await sqlServerLog();
  const { target } = database;
  // The test server's settings are separate fields.
  const encrypted = { ...target, info: { ...(target.info as MssqlFields), encrypt: true } };
  const error = await failure(openRunLog(encrypted, { unloggedDirectory: '/nonexistent' }));
  expect(error).toMatchObject({ exit: 'unreachable' });
  expect(error.message).toContain('The server offers no encryption');
});
