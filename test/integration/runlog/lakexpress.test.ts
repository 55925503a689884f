import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import { openRunLog } from '../../../src/runlog/run-log.js';
import { type LogDatabase, postgresLog, sqliteLog } from '../../servers/log-databases.js';
import {
  newRun,
  publishedFiles,
  runPlan,
  runResult,
  stagedOutcome,
  tableResult,
  tables,
} from '../../harness/logged-runs.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { sqlServerLog } from '../../servers/sql-server-log.js';

/** The queries of LakeXpress's documentation (troubleshooting, examples, FastBCP configuration), unchanged. */

let server: PostgresServer;
let database: LogDatabase;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server.stop());

afterEach(() => database.remove());

const RUN_ID = '2f73b4d0-8647-11ef-8089-c403a82a4577';

/** Two tables that succeeded, one slower than the other, and one that failed. */
async function recordRun(): Promise<void> {
  const log = await openRunLog(database.target, { unloggedDirectory: '/nonexistent' });
  const run = await log.begin(newRun({ runId: RUN_ID, startedAt: new Date(Date.now() - 60_000) }));
  const plans = tables(3);
  run.recorder.planned(runPlan(plans));
  const results = [];
  for (const [index, plan] of plans.entries()) {
    run.recorder.tableStarted(plan.id);
    if (index < 2) {
      // The second table takes at least 50 ms longer than the first.
      await new Promise((resolve) => setTimeout(resolve, 20 + 80 * index));
      run.recorder.tablePublished(plan.id, publishedFiles(stagedOutcome(plan, 0), 0));
      results.push(tableResult(plan));
    } else {
      const error = new LakeportError({ code: 'TABLE_LOCKED', message: 'another session' });
      results.push(tableResult(plan, { state: 'failed', rows: 0, files: 0, bytes: 0, error: error.toData() }));
    }
    run.recorder.tableEnded(results.at(-1)!);
  }
  run.recorder.ended(runResult(run.runId, results, 'tables-failed'));
  await run.finish();
  await log.close();
}

const kinds: { name: string; make: () => Promise<LogDatabase> }[] = [
  { name: 'SQLite', make: () => Promise.resolve(sqliteLog()) },
  { name: 'PostgreSQL', make: () => postgresLog(server) },
  { name: "SQL Server's wire", make: sqlServerLog },
];

describe.each(kinds)("LakeXpress's queries on a log in $name", ({ name, make }) => {
  beforeEach(async () => {
    database = await make();
    await recordRun();
  });

  it('show all runs', async () => {
    const [run, ...others] = await database.query(`SELECT run_id, started_at, finished_at, status, error_message
FROM runs
ORDER BY started_at DESC;`);
    expect(others).toEqual([]);
    expect(run).toMatchObject({ run_id: RUN_ID, status: 'failed' });
    expect(run?.['error_message']).toContain('another session');
    expect(asTime(run?.['finished_at'])).toBeGreaterThan(asTime(run?.['started_at']));
  });

  it('show the latest runs', async () => {
    const rows = await database.query(`SELECT run_id, started_at, status
   FROM runs
   ORDER BY started_at DESC
   LIMIT 10;`);
    expect(rows).toHaveLength(1);
  });

  it("show the state of a run's tables", async () => {
    const rows = await database.query(`SELECT source_schema, source_table, status,
       started_at, finished_at,
       finished_at - started_at as duration,
       row_count, error_message
FROM jobs
WHERE run_id = '${RUN_ID}'
ORDER BY source_schema, source_table;`);
    expect(rows).toMatchObject([
      { source_schema: 'public', source_table: 'table_0', status: 'completed', error_message: null },
      { source_table: 'table_1', status: 'completed' },
      { source_table: 'table_2', status: 'failed', row_count: null, error_message: 'another session' },
    ]);
    expect(rows.map((row) => Number(row['row_count']))).toEqual([10, 10, 0]);
  });

  it('show the tables that failed, with their errors', async () => {
    const latest = await database.query(`-- Query export log database
SELECT
    source_table,
    status,
    error_message,
    started_at,
    finished_at
FROM jobs
WHERE status = 'failed'
ORDER BY started_at DESC
LIMIT 10;`);
    const ofRun = await database.query(`-- Query the export logging database
SELECT
    source_schema,
    source_table,
    status,
    error_message,
    started_at,
    finished_at
FROM jobs
WHERE run_id = '2f73b4d0-8647-11ef-8089-c403a82a4577'
  AND status = 'failed'
ORDER BY source_schema, source_table;`);
    for (const rows of [latest, ofRun]) {
      expect(rows).toMatchObject([{ source_table: 'table_2', status: 'failed', error_message: 'another session' }]);
      expect(asTime(rows[0]?.['finished_at'])).toBeGreaterThan(asTime(rows[0]?.['started_at']));
    }
  });

  it('count the tables that failed', async () => {
    const count = async (runId: string) => {
      const rows = await database.query(`SELECT COUNT(*) as failed_jobs
   FROM jobs
   WHERE run_id = '${runId}' AND status = 'failed';`);
      return Number(rows[0]?.['failed_jobs']);
    };
    expect(await count(RUN_ID)).toBe(1);
    // The value in the documentation is not a valid id, but the query must run.
    expect(await count('your-run-id')).toBe(0);
  });

  it('compare the times of runs', async () => {
    const rows = await database.query(`SELECT run_id, started_at, finished_at,
       finished_at - started_at as duration
FROM runs
WHERE run_id IN ('test1', '${RUN_ID}');`);
    expect(rows).toHaveLength(1);
  });

  it('show how long tables took', async () => {
    const rows = await database.query(`-- View job execution times
SELECT
    source_table,
    status,
    started_at,
    finished_at,
    finished_at - started_at AS duration,
    row_count
FROM jobs
WHERE run_id = '${RUN_ID}'
ORDER BY duration DESC;`);
    expect(rows).toHaveLength(3);
    // SQLite stores times as text, and the difference of two texts is not a duration.
    if (name === 'PostgreSQL') expect(rows[0]).toMatchObject({ source_table: 'table_1' });
  });

  it('find the slowest tables, by a column that works in every database', async () => {
    const rows = await database.query(`SELECT source_table, duration_seconds, row_count,
       row_count / duration_seconds AS rows_per_second
FROM jobs
WHERE run_id = '${RUN_ID}' AND status = 'completed'
ORDER BY duration_seconds DESC`);
    expect(rows.map((row) => row['source_table'])).toEqual(['table_1', 'table_0']);
    const [slowest] = rows;
    expect(Number(slowest?.['duration_seconds'])).toBeGreaterThanOrEqual(0.099);
    expect(Number(slowest?.['duration_seconds'])).toBeLessThan(10);
    expect(Number(slowest?.['rows_per_second'])).toBeCloseTo(10 / Number(slowest?.['duration_seconds']), 3);
  });

  it('show files with the same column names as the other views', async () => {
    const rows = await database.query(`SELECT run_id, source_schema, source_table, status, started_at, finished_at,
       row_count, error_message FROM files WHERE run_id = '${RUN_ID}' ORDER BY source_table`);
    expect(rows).toMatchObject([
      { source_schema: 'public', source_table: 'table_0', status: 'completed' },
      { source_schema: 'public', source_table: 'table_1', status: 'completed' },
    ]);
  });

  // SQLite has no EXTRACT.
  it.runIf(name === 'PostgreSQL')('find the slowest tables', async () => {
    const rows = await database.query(`SELECT source_table,
       finished_at - started_at as duration,
       row_count,
       row_count / EXTRACT(EPOCH FROM (finished_at - started_at)) as rows_per_second
FROM jobs
WHERE run_id = '${RUN_ID}' AND status = 'completed'
ORDER BY duration DESC
LIMIT 10;`);
    expect(rows.map((row) => row['source_table'])).toEqual(['table_1', 'table_0']);
    expect(Number(rows[0]?.['rows_per_second'])).toBeGreaterThan(0);
  });
});

/** SQLite stores times as text, in UTC. */
function asTime(value: unknown): number {
  return value instanceof Date ? value.getTime() : Date.parse(`${String(value).replace(' ', 'T')}Z`);
}
