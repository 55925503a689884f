import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { RowSink } from '../../../../src/columns/row-sink.js';
import { openReader } from '../../../../src/engines.js';
import { LakeportError } from '../../../../src/errors.js';
import { InProcessPool } from '../../../../src/export/worker/in-process-pool.js';
import type { SliceTask, WorkerSetup } from '../../../../src/export/worker/protocol.js';
import type { PoolListener } from '../../../../src/export/worker/slice-pool.js';
import type { ReadResult, SliceReader } from '../../../../src/sources/source.js';
import { ScratchDirectory } from '../../../harness/scratch.js';
import { BOOLEAN_COLUMN, NO_SNAPSHOT, tablePlan } from '../../../harness/table-plans.js';

// A reader that does not stop, or that never connects, can't be had from a server at will.
vi.mock(import('../../../../src/engines.js'), () => ({ openReader: vi.fn() }));

type Read = (sink: RowSink, signal: AbortSignal) => Promise<ReadResult>;

const NO_ROWS: ReadResult = { rows: 0, bytes: 0, unrepresentable: {} };

let scratch: ScratchDirectory;
let pool: InProcessPool;
let staged: string[];
let closed: number;
let reading: number;
let read: Read;

const listener: PoolListener = { onProgress: () => undefined, onStaged: (part) => void staged.push(part.path) };

beforeEach(() => {
  scratch = new ScratchDirectory();
  [staged, closed, reading, read] = [[], 0, 0, () => Promise.resolve(NO_ROWS)];
  const reader: SliceReader = {
    read: (_, sink, signal) => {
      reading++;
      return read(sink, signal);
    },
    close: () => {
      closed++;
      return Promise.resolve();
    },
  };
  vi.mocked(openReader).mockReset().mockResolvedValue(reader);
  const setup: WorkerSetup = {
    runId: 'run',
    reader: { engine: 'test', connection: {} },
    targets: [{ kind: 'directory', directory: scratch.path }],
    files: { codec: 'None', rowGroupRows: 1000, maxRowsPerFile: undefined },
    onUnrepresentable: 'error',
  };
  pool = new InProcessPool(setup, { graceMs: () => 50 });
});

afterEach(async () => {
  await pool.close();
  scratch.remove();
});

function task(name: string): SliceTask {
  const { dataset, slices, directory } = tablePlan(name);
  return {
    dataset,
    columns: [BOOLEAN_COLUMN],
    slice: slices[0]!,
    snapshot: NO_SNAPSHOT,
    storageId: '--output_dir',
    directory,
    mode: 'rows',
    isOnlySlice: true,
  };
}

const untilAborted: Read = (_, signal) =>
  new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () =>
      reject(new LakeportError({ code: 'SOURCE_QUERY_FAILED', message: 'cancelled' })),
    ),
  );

const never: Read = () => new Promise(() => undefined);

describe('the pool without threads', () => {
  it('reads over one connection, and reports each staged file', async () => {
    const first = await pool.run(task('a'), listener);
    const second = await pool.run(task('b'), listener);
    expect([first.ok, second.ok]).toEqual([true, true]);
    expect(staged).toHaveLength(2);
    expect(openReader).toHaveBeenCalledTimes(1);
  });

  it('never rejects: the error of a slice is how it ends, and the next one connects anew', async () => {
    read = () => Promise.reject(new LakeportError({ code: 'SOURCE_QUERY_FAILED', message: 'broken', hint: 'mend it' }));
    expect(await pool.run(task('a'), listener)).toMatchObject({
      ok: false,
      unconnected: false,
      error: { code: 'SOURCE_QUERY_FAILED', hint: 'mend it' },
    });
    read = () => Promise.resolve(NO_ROWS);
    expect(await pool.run(task('a'), listener)).toMatchObject({ ok: true });
    expect([vi.mocked(openReader).mock.calls.length, closed]).toEqual([2, 1]);
  });

  it('does not blame the slice for a connection that fails', async () => {
    vi.mocked(openReader).mockRejectedValueOnce(new LakeportError({ code: 'SOURCE_UNREACHABLE', message: 'gone' }));
    const end = await pool.run(task('a'), listener);
    expect(end).toMatchObject({ ok: false, unconnected: true, error: { code: 'SOURCE_UNREACHABLE' } });
  });

  it('cancels the tasks that it is told to, and no others', async () => {
    read = untilAborted;
    const [a, b] = [task('a'), task('b')];
    const ends = { a: pool.run(a, listener), b: pool.run(b, listener) };
    await vi.waitFor(() => expect(reading).toBe(2));
    pool.cancel([a]);
    expect(await ends.a).toMatchObject({ ok: false, error: { message: 'cancelled' } });
    expect(await Promise.race([ends.b, Promise.resolve('still reading')])).toBe('still reading');
    pool.cancel([b]);
    expect((await ends.b).ok).toBe(false);
  });

  it('abandons a reader that does not stop within the grace, and does not wait for it at the end', async () => {
    read = never;
    const stuck = task('a');
    const end = pool.run(stuck, listener);
    await vi.waitFor(() => expect(reading).toBe(1));
    pool.cancel([stuck]);
    expect(await end).toMatchObject({ ok: false, error: { code: 'READER_DIED' } });
    read = () => Promise.resolve(NO_ROWS);
    expect((await pool.run(task('b'), listener)).ok).toBe(true);
    expect(openReader).toHaveBeenCalledTimes(2);
  });

  it('closes its connections', async () => {
    await pool.run(task('a'), listener);
    await pool.close();
    expect(closed).toBe(1);
  });
});
