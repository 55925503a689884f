import { describe, expect, it } from 'vitest';

import { runsDocument, runsText } from '../../../../src/cli/reports/runs-report.js';
import { statusDocument } from '../../../../src/cli/reports/status-json.js';
import { statusText } from '../../../../src/cli/reports/status-report.js';
import { summaryText } from '../../../../src/cli/reports/summary.js';
import type { PartitionRecord, RunHistory, RunRecord, RunSummary, TableRecord } from '../../../../src/runlog/index.js';
import { captured, runResult, tableResult } from './samples.js';
import { parseDocument } from '../../../harness/json-document.js';

const RUN_ID = '123e4567-e89b-42d3-a456-426614174000';
const NOW = new Date('2026-01-01T00:10:00Z');

function summary(changes: Partial<RunSummary> = {}): RunSummary {
  return {
    runId: RUN_ID,
    state: 'completed',
    envName: undefined,
    syncId: undefined,
    sourceType: 'postgres',
    sourceServer: 'db:5432',
    sourceDatabase: 'shop',
    target: '/data/out',
    consistency: 'run',
    startedAt: new Date('2026-01-01T00:00:00Z'),
    endedAt: new Date('2026-01-01T00:02:05Z'),
    tables: 3,
    completedTables: 3,
    failedTables: 0,
    rows: 1234,
    bytes: 5678,
    files: 3,
    attempt: 1,
    error: undefined,
    ...changes,
  };
}

function record(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    ...summary(),
    toolVersion: '0.1.0',
    commandLine: 'lakeport -a auth.json',
    settings: {},
    snapshotId: '1:1:',
    snapshotAt: new Date('2026-01-01T00:00:01Z'),
    heartbeatAt: new Date('2026-01-01T00:02:00Z'),
    process: {},
    holder: 'h',
    ...changes,
  };
}

function table(name: string, changes: Partial<TableRecord> = {}): TableRecord {
  return {
    jobId: 0,
    schema: 's',
    table: name,
    kind: 'table',
    storageId: '--output_dir',
    directory: `s/${name}`,
    path: `out/s/${name}`,
    method: 'None',
    degree: 1,
    partitions: 1,
    estimatedRows: 10,
    estimatedBytes: 100,
    columns: [],
    sync: undefined,
    moment: undefined,
    state: 'completed',
    attempts: 1,
    rows: 10,
    bytes: 999,
    files: 1,
    consistency: undefined,
    unrepresentable: {},
    startedAt: new Date('2026-01-01T00:00:00Z'),
    endedAt: new Date('2026-01-01T00:00:02Z'),
    error: undefined,
    ...changes,
  };
}

function partition(sliceIndex: number, changes: Partial<PartitionRecord> = {}): PartitionRecord {
  return {
    partitionId: sliceIndex,
    jobId: 1,
    sliceIndex,
    method: 'Ctid',
    bounds: `ctid ${sliceIndex}`,
    slice: { query: 'SELECT secret' },
    state: 'pending',
    attempts: 0,
    rows: undefined,
    bytes: undefined,
    staged: undefined,
    startedAt: undefined,
    endedAt: undefined,
    error: undefined,
    ...changes,
  };
}

const list = (runs: readonly RunSummary[]) => runsText(runs, { output: captured().output, address: 'x', limit: 20 });
const show = (history: Partial<RunHistory>, resume?: string) =>
  statusText(
    { run: record(), tables: [], partitions: [], files: [], ...history },
    { output: captured().output, resume, now: NOW },
  );

describe('the list of runs', () => {
  it('is a table with a line a run', () => {
    const other = {
      runId: 'ffffffff-e89b-42d3-a456-426614174000',
      state: 'failed',
      failedTables: 1,
      completedTables: 2,
    } as const;
    expect(list([summary(), summary(other)])).toBe(
      `RUN       STATE      STARTED (UTC)          TOOK  TABLES  FAILED   ROWS     SIZE  SOURCE  TARGET
123e4567  completed  2026-01-01 00:00:00  2m 05s     3/3          1,234  5.68 kB  shop    /data/out
ffffffff  failed     2026-01-01 00:00:00  2m 05s     2/3       1  1,234  5.68 kB  shop    /data/out
`,
    );
  });

  it('shows environments where there are any, and what is not known as nothing', () => {
    const fresh = { endedAt: undefined, tables: undefined, state: 'running', sourceDatabase: undefined } as const;
    const [title, line] = list([summary({ envName: 'nightly', ...fresh })]).split('\n');
    expect(title).toMatch(/ENV$/);
    expect(line).toMatch(
      /^123e4567 {2}running {2}2026-01-01 00:00:00 +1,234 +5\.68 kB {2}postgres +\/data\/out {2}nightly$/,
    );
  });

  it('tells runs apart whose ids begin alike', () => {
    const text = list([summary(), summary({ runId: '123e4567-e89b-42d3-b456-426614174000' })]);
    expect(text).toContain('\n123e4567-e89b-42d3-a ');
    expect(text).toContain('\n123e4567-e89b-42d3-b ');
  });

  it('can not be garbled by names', () => {
    expect(list([summary({ target: 'a\u001b[2Jb\nc' })])).toContain('a\\x1b[2Jb\\nc');
  });

  it('as a document has null for what is not known', () => {
    expect(runsDocument([summary({ endedAt: undefined, tables: undefined })], 'log')).toMatchObject({
      command: 'runs',
      run_log: 'log',
      runs: [{ run_id: RUN_ID, ended_at: null, seconds: null, tables: null, rows: 1234 }],
    });
  });
});

describe('a run', () => {
  it('is shown with its facts', () => {
    expect(show({ tables: [table('orders', { unrepresentable: {}, attempts: 2 })] })).toBe(`Run          ${RUN_ID}
State        completed
Started      2026-01-01 00:00:00 UTC, took 2m 05s
Source       shop on db:5432 (postgres)
Target       /data/out
Consistency  run: one snapshot (1:1:) of 2026-01-01 00:00:01 UTC
Tables       3 of 3 published
Published    1,234 rows, 3 files, 5.68 kB
Command      lakeport -a auth.json
Version      0.1.0

TABLE     STATE      METHOD  ROWS  FILES   SIZE    TOOK  ATTEMPTS
s.orders  completed  None      10      1  999 B  2.00 s         2
`);
  });

  it('in progress shows for how long, and one that was interrupted, when it was heard of last', () => {
    expect(show({ run: record({ state: 'running', endedAt: undefined }) })).toContain('UTC, for 10m 00s\n');
    const text = show({ run: record({ state: 'interrupted', endedAt: undefined, attempt: 2 }) }, 'lakeport -r x');
    expect(text).toContain('State        interrupted, attempt 2, last heard of 2026-01-01 00:02:00 UTC\n');
    expect(text).toMatch(/\n\nTo finish it: {2}lakeport -r x\n$/);
  });

  it('shows the partitions of tables that are not done, and of no others', () => {
    const text = show({
      tables: [
        table('done', { jobId: 0, partitions: 2 }),
        table('half', { jobId: 1, state: 'interrupted', method: 'Ctid', partitions: 3 }),
      ],
      partitions: [
        partition(0, { jobId: 0 }),
        partition(1, { jobId: 0 }),
        partition(0, { state: 'completed', rows: 5, bytes: 1000, staged: {}, attempts: 1 }),
        partition(1, { state: 'running', attempts: 3 }),
        partition(2),
      ],
    });
    expect(text).toContain(`
s.half
  PARTITION  STATE    ROWS     SIZE  ATTEMPTS  BOUNDS
          0  staged      5  1.00 kB            ctid 0
          1  running                        3  ctid 1
          2  pending                           ctid 2
`);
    expect(text).not.toContain('\ns.done\n');
  });

  it('shows what failed, with what helps', () => {
    const error = { class: 'unreachable', code: 'X', message: 'no such host', hint: 'look again' };
    const text = show({ tables: [table('a', { state: 'failed', error }), table('b', { state: 'failed' })] });
    expect(text).toContain('2 tables failed:\n  s.a: no such host\n    hint: look again\n  s.b: unknown error\n');
  });

  it('of 2,000 tables shows those that are not published, and the largest', () => {
    const tables = Array.from({ length: 2000 }, (_, at) => table(`t${at}`, { bytes: at }));
    const lines = show({ tables: [...tables, table('bad', { state: 'failed' })] }).split('\n');
    expect(lines.length).toBeLessThan(50);
    expect(lines.some((line) => line.startsWith('s.bad'))).toBe(true);
    expect(lines.some((line) => line.startsWith('s.t1999'))).toBe(true);
    expect(lines).toContain('… 1,980 more tables, all published; --json lists them');
  });

  it('as a document has all files, and nothing that only a resume can use', () => {
    const file = { jobId: 0, fileId: 0, sliceIndex: 0, storageId: 'x', objectPath: 'p', path: 'out/p', rows: 1 };
    const files = [{ ...file, bytes: 2, sha256: 'ab', rowGroups: 1, publishedAt: NOW }];
    const history = {
      run: record(),
      tables: [table('orders')],
      partitions: [partition(0, { staged: { token: 1 } })],
      files,
    };
    const document = statusDocument(history, 'log');
    expect(document).toMatchObject({ files: [{ schema: 's', table: 'orders', path: 'out/p', sha256: 'ab' }] });
    expect(JSON.stringify(document)).not.toMatch(/SELECT secret|token/);
    expect(parseDocument(JSON.stringify(document))).toEqual(JSON.parse(JSON.stringify(document)));
  });
});

describe('the summary of a run', () => {
  const text = (...args: Parameters<typeof runResult>) =>
    summaryText(runResult(...args), {
      output: captured().output,
      target: { directory: 'out' },
      resume: 'lakeport -r x',
    });

  it('that was resumed tells what had been published before, and what is of two snapshots', () => {
    const shown = text([
      tableResult({ name: 'a', publishedEarlier: true }),
      tableResult({ name: 'b', consistency: 'none' }),
      tableResult({ name: 'c' }),
    ]);
    expect(shown).toContain('\n1 table of these had been published before the run was resumed\n');
    expect(shown).toContain('\nTables that are in no snapshot, or of more than one:\n  s.b\n\n');
  });

  it('without a snapshot does not say so of each table', () => {
    expect(text([tableResult({ name: 'b', consistency: 'none' })])).not.toContain('more than one snapshot');
  });

  it('ends with how the run is finished', () => {
    expect(text([tableResult({ name: 'a', state: 'failed' })])).toMatch(/\nTo finish it: {2}lakeport -r x\n$/);
  });
});
