import { describe, expect, it } from 'vitest';

import { LakeportError } from '../../../../src/errors.js';
import type { LogBatch, RunRow, StoredRun } from '../../../../src/runlog/model/rows.js';
import { RunRecorder } from '../../../../src/runlog/recorder/run-recorder.js';
import { RunState } from '../../../../src/runlog/model/run-state.js';
import { recordFailure, recordTable, runPlan, runResult, stagedOutcome, tables } from '../../../harness/logged-runs.js';

const RUN: RunRow = {
  run_id: 'r',
  state: 'running',
  attempt: 1,
  holder: 'h',
  process: '{}',
  tool_version: '0',
  env_name: null,
  sync_id: null,
  command_line: '',
  settings: '{}',
  source_db_type: 'postgres',
  source_server: null,
  source_database: null,
  target: 'out',
  consistency: null,
  snapshot_id: null,
  snapshot_at: null,
  started_at: new Date('2026-01-01T00:00:00Z'),
  ended_at: null,
  table_count: null,
  completed_tables: 0,
  failed_tables: 0,
  row_count: 0,
  byte_count: 0,
  file_count: 0,
  error_class: null,
  error_code: null,
  error_message: null,
};

function recording(rows = new RunState(RUN)) {
  const recorder = new RunRecorder({
    rows,
    redact: (text) => text.replaceAll('hunter2', '***'),
    onChange: () => undefined,
  });
  return { rows, recorder };
}

/** The rows as the log returns them after a crash. */
function stored({ run, jobs, partitions, files }: LogBatch): StoredRun {
  return {
    run: { ...run, status: 'interrupted', heartbeat_at: new Date() },
    jobs: jobs.rows.map((job) => ({ ...job, status: job.state })),
    partitions: partitions.rows,
    files: files.rows,
  };
}

const denied = new LakeportError({
  code: 'TABLE_PERMISSION_DENIED',
  message: 'no grant, hunter2',
  hint: 'grant it',
});

describe('the rows of a run', () => {
  it('contain the sums of its tables', () => {
    const { rows, recorder } = recording();
    const [good, better, bad] = tables(3, { slices: 2 });
    recorder.planned(runPlan([good!, better!, bad!]));
    const results = [
      recordTable(recorder, good!),
      recordTable(recorder, better!),
      recordFailure(recorder, bad!, denied),
    ];
    recorder.ended(runResult('r', results, 'tables-failed'));
    expect(rows.run).toMatchObject({
      state: 'failed',
      table_count: 3,
      completed_tables: 2,
      failed_tables: 1,
      row_count: 40,
      byte_count: 4000,
      file_count: 4,
      error_class: 'tables-failed',
      error_message: '1 of 3 tables failed, the first being public.table_2: no grant, ***',
    });
  });

  it('contain errors without secrets', () => {
    const { rows, recorder } = recording();
    const [bad] = tables(1);
    recorder.planned(runPlan([bad!]));
    recordFailure(recorder, bad!, denied);
    expect(JSON.stringify(rows.whole())).not.toContain('hunter2');
  });

  it('contain staged files only until they are published', () => {
    const { rows, recorder } = recording();
    const [plan] = tables(1, { slices: 2 });
    recorder.planned(runPlan([plan!]));
    recorder.tableStarted(plan!.id);
    recorder.sliceStaged(plan!.id, 1, stagedOutcome(plan!, 1));
    const staged = rows.partitions.get(1)?.staged;
    expect(JSON.parse(staged ?? '')).toEqual(stagedOutcome(plan!, 1));
    expect(rows.partitions.get(0)).toMatchObject({ state: 'pending', staged: null });
    recorder.tablePublished(plan!.id, []);
    expect(rows.partitions.get(1)).toMatchObject({ state: 'completed', staged: null });
  });

  it('never end a table at the time it started, because users divide by the difference', () => {
    const { rows, recorder } = recording();
    const [plan] = tables(1);
    recorder.planned(runPlan([plan!]));
    recordTable(recorder, plan!);
    const { started_at: start, ended_at: end } = rows.jobs.get(0)!;
    expect(end!.getTime()).toBeGreaterThan(start!.getTime());
  });

  it('contain how many arrays of a published table lost their bounds, by column', () => {
    const { rows, recorder } = recording();
    const [plan] = tables(1);
    const column = (name: string) => ({
      spec: {
        name,
        fieldId: 1,
        nullable: true,
        list: true,
        type: { physical: 'INT32' as const },
        sourceType: 'integer[]',
        fidelity: 'exact' as const,
      },
      expression: name,
      decoder: { kind: 'list' },
    });
    recorder.planned(runPlan([{ ...plan!, columns: [column('a'), column('b')] }]));
    recorder.tableStarted(plan!.id);
    const end = { rows: 1, files: 1, bytes: 1, seconds: 1, storageId: 'lake', path: '', unrepresentable: {} };
    recorder.tableEnded({ ...end, table: plan!.id, state: 'completed', error: undefined, lostBounds: { b: 7 } });
    expect(JSON.parse(rows.jobs.get(0)!.columns!)).toEqual([
      ['a', 'integer[]', true],
      ['b', 'integer[]', true, 7],
    ]);
  });

  it('include a table that could not be planned, and one that was never started', () => {
    const { rows, recorder } = recording();
    const [plan] = tables(1);
    const lost = { schema: 'public', name: 'lost' };
    recorder.planned(runPlan([plan!], { problems: [{ id: lost, error: denied, storageId: 'lake', displayPath: '' }] }));
    const none = { rows: 0, files: 0, bytes: 0, seconds: 0, storageId: 'lake', path: '', unrepresentable: {} };
    recorder.tableEnded({ ...none, table: lost, state: 'failed', error: denied.toData() });
    recorder.tableEnded({ ...none, table: plan!.id, state: 'cancelled', error: undefined });
    expect(rows.run).toMatchObject({ table_count: 2, failed_tables: 1 });
    expect(rows.jobs.get(1)).toMatchObject({ source_table: 'lost', state: 'failed', error_hint: 'grant it' });
    expect(rows.jobs.get(0)).toMatchObject({ state: 'cancelled', started_at: null, ended_at: null });
  });

  it('mark an interrupted run as cancelled', () => {
    const { rows, recorder } = recording();
    recorder.ended(runResult('r', [], 'terminated'));
    expect(rows.run.state).toBe('cancelled');
  });
});

describe('a resumed run', () => {
  it('keeps staged slices that are still in the plan, and drops the others', () => {
    const first = recording();
    const [plan, other] = tables(2, { slices: 3 });
    first.recorder.planned(runPlan([plan!, other!]));
    for (const table of [plan!, other!]) {
      first.recorder.tableStarted(table.id);
      first.recorder.sliceStarted(table.id, 0);
      first.recorder.sliceStaged(table.id, 0, stagedOutcome(table, 0));
    }

    const { rows, recorder } = recording(RunState.restore(stored(first.rows.whole())));
    const replanned = { ...other!, slices: other!.slices.slice(0, 2).map((slice) => ({ ...slice, bounds: 'new' })) };
    recorder.planned(runPlan([plan!, replanned]));

    const ofJob = (id: number) => rows.partitions.all().filter((row) => row.job_id === id);
    expect(ofJob(0).map((row) => [row.slice_index, row.state, row.staged !== null])).toEqual([
      [0, 'completed', true],
      [1, 'pending', false],
      [2, 'pending', false],
    ]);
    expect(ofJob(1).map((row) => [row.slice_index, row.state, row.bounds, row.attempts])).toEqual([
      [0, 'pending', 'new', 1],
      [1, 'pending', 'new', 0],
    ]);
  });

  it('counts a table once, however often it was retried', () => {
    const first = recording();
    const [good, bad] = tables(2);
    first.recorder.planned(runPlan([good!, bad!]));
    recordTable(first.recorder, good!);
    recordFailure(first.recorder, bad!, denied);

    const { rows, recorder } = recording(RunState.restore(stored(first.rows.whole())));
    recorder.planned(runPlan([bad!]));
    recordTable(recorder, bad!);
    expect(rows.run).toMatchObject({
      table_count: 2,
      completed_tables: 2,
      failed_tables: 0,
      row_count: 20,
      file_count: 2,
    });
    expect(rows.jobs.get(1)).toMatchObject({ state: 'completed', attempts: 2, error_message: null });
  });

  it('replaces the files of a table that is published again', () => {
    const first = recording();
    const [plan] = tables(1, { slices: 2 });
    first.recorder.planned(runPlan([plan!]));
    recordTable(first.recorder, plan!);

    const { rows, recorder } = recording(RunState.restore(stored(first.rows.whole())));
    recorder.tablePublished(plan!.id, [
      { slice: 0, storageId: 's', path: 'p', displayPath: 'd', rows: 1, bytes: 1, sha256: 'x', rowGroups: 1 },
    ]);
    expect(rows.files.all().map((file) => file.object_path)).toEqual(['p']);
    expect(rows.take().files).toMatchObject({ stale: [0, 1], rows: [{ object_path: 'p' }] });
  });
});
