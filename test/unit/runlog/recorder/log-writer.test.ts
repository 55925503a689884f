import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LakeportError } from '../../../../src/errors.js';
import { LogWriter } from '../../../../src/runlog/recorder/log-writer.js';
import type { LogBatch, RunRow, WriteOutcome } from '../../../../src/runlog/model/rows.js';
import { RunState } from '../../../../src/runlog/model/run-state.js';
import type { LogStore } from '../../../../src/runlog/store/log-store.js';
import { HeardOfLog } from '../../../harness/logged-runs.js';

const BROKEN = new LakeportError({ code: 'RUN_LOG_FAILED', message: 'gone' });

let rows: RunState;
let heard: HeardOfLog;
let written: LogBatch[];
/** The log's answers to batches; the last one repeats. */
let answers: (WriteOutcome | LakeportError | 'hang')[];
let writer: LogWriter;

/** Tests timing only, which a test cannot control with a real database. */
const store = {
  write: (batch: LogBatch) => {
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? 'written';
    if (answer === 'hang') return new Promise<WriteOutcome>(() => undefined);
    if (answer instanceof LakeportError) return Promise.reject(answer);
    written.push(batch);
    return Promise.resolve(answer);
  },
} as unknown as LogStore;

beforeEach(() => {
  vi.useFakeTimers();
  answers = ['written'];
  written = [];
  heard = new HeardOfLog();
  rows = new RunState({ run_id: 'r' } as RunRow);
  writer = new LogWriter(store, rows, { listener: heard, gatherMs: 100, heartbeatMs: 10_000, retryMs: [1_000, 5_000] });
});

afterEach(() => {
  writer.stop();
  vi.useRealTimers();
});

function change(rowCount: number): void {
  rows.changeRun({ row_count: rowCount });
  writer.changed();
}

const counts = () => written.map((batch) => batch.run.row_count);

describe('the writer of a log', () => {
  it('collects changes, and writes the latest state of each row', async () => {
    for (const count of [1, 2, 3]) change(count);
    await vi.advanceTimersByTimeAsync(99);
    expect(counts()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(counts()).toEqual([3]);
    change(4);
    await vi.advanceTimersByTimeAsync(100);
    expect(counts()).toEqual([3, 4]);
  });

  it('renews the heartbeat when nothing changes', async () => {
    await vi.advanceTimersByTimeAsync(30_100);
    expect(written).toHaveLength(3);
  });

  it('reports a failing log once, retries at increasing intervals, and reports when the log is complete', async () => {
    answers = [BROKEN];
    change(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(heard.events).toEqual(['trouble']);
    change(2);
    await vi.advanceTimersByTimeAsync(1_000 + 5_000 + 5_000);
    expect(heard.events).toEqual(['trouble']);
    answers = ['written'];
    change(3);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(heard.events).toEqual(['trouble', 'recovered']);
    expect(counts()).toEqual([3]);
    answers = [BROKEN, 'written'];
    change(4);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(heard.events).toEqual(['trouble', 'recovered', 'trouble', 'recovered']);
  });

  it('writes the whole run to a log that has lost it', async () => {
    rows.files.put(0, { file_id: 0 } as never);
    writer.changed();
    await vi.advanceTimersByTimeAsync(100);
    answers = ['missing', 'written'];
    change(7);
    await vi.advanceTimersByTimeAsync(100);
    expect(written.map((batch) => [batch.isNew, batch.files.rows.length])).toEqual([
      [false, 1],
      [false, 0],
      [true, 1],
    ]);
    change(8);
    await vi.advanceTimersByTimeAsync(100);
    expect(written.at(-1)).toMatchObject({ isNew: false });
  });

  it('writes nothing more once another process has taken the run', async () => {
    answers = ['taken'];
    change(1);
    await vi.advanceTimersByTimeAsync(100);
    change(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard.events).toEqual(['taken']);
    expect(written).toHaveLength(1);
    expect(await writer.flush()).toBe(false);
  });
});

describe('the end of a run', () => {
  it('waits for a log that recovers in time', async () => {
    answers = [BROKEN, BROKEN, 'written'];
    change(1);
    const finished = writer.finish({ withinMs: 10_000 });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await finished).toBe(true);
    expect(counts()).toEqual([1]);
  });

  it.each([['hang' as const], [BROKEN]])('waits no longer than its limit (%s)', async (answer) => {
    answers = [answer];
    change(1);
    let result: boolean | undefined;
    void writer.finish({ withinMs: 10_000 }).then((finished) => (result = finished));
    await vi.advanceTimersByTimeAsync(9_900);
    expect(result).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1_200);
    expect(result).toBe(false);
  });

  it('writes changes made while a batch was being written', async () => {
    const first = writer.flush();
    rows.changeRun({ row_count: 5 });
    await first;
    expect(await writer.finish({ withinMs: 1_000 })).toBe(true);
    expect(counts().at(-1)).toBe(5);
  });
});
