import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { RowSink } from '../../../../src/columns/row-sink.js';
import { LakeportError } from '../../../../src/errors.js';
import { SliceWorker, taskFailure, UnconnectedError } from '../../../../src/export/worker/slice-worker.js';
import type { StagedFile } from '../../../../src/export/model/slice-outcome.js';
import type { SliceTask, WorkerSetup } from '../../../../src/export/worker/protocol.js';
import { openReader } from '../../../../src/engines.js';
import type { ReadResult, SliceReader } from '../../../../src/sources/source.js';
import { ScratchDirectory } from '../../../harness/scratch.js';
import { BOOLEAN_COLUMN, NO_SNAPSHOT, tablePlan } from '../../../harness/table-plans.js';

// A reader that counts wrongly, or whose connection is in a state that the test knows, can't be had from a server.
vi.mock(import('../../../../src/engines.js'), () => ({ openReader: vi.fn() }));

type Read = (sink: RowSink, signal: AbortSignal) => Promise<ReadResult>;

let scratch: ScratchDirectory;
let worker: SliceWorker;
let opened: number;
let closed: number;
let staged: StagedFile[];
let read: Read;

beforeEach(() => {
  scratch = new ScratchDirectory();
  [opened, closed, staged] = [0, 0, []];
  vi.mocked(openReader).mockImplementation(() => {
    opened++;
    const reader: SliceReader = {
      read: (_, sink, signal) => read(sink, signal),
      close: () => {
        closed++;
        return Promise.resolve();
      },
    };
    return Promise.resolve(reader);
  });
  const setup: WorkerSetup = {
    runId: 'run',
    reader: { engine: 'test', connection: {} },
    targets: [{ kind: 'directory', directory: scratch.path }],
    files: { codec: 'None', rowGroupRows: 1000, maxRowsPerFile: 100 },
    onUnrepresentable: 'error',
  };
  worker = new SliceWorker(setup);
});
afterEach(async () => {
  await worker.close();
  scratch.remove();
});

function task(overrides: Partial<SliceTask> = {}): SliceTask {
  const { dataset, slices, directory } = tablePlan('t', { slices: 2 });
  const slice = slices[1]!;
  return {
    dataset,
    columns: [BOOLEAN_COLUMN],
    slice,
    snapshot: NO_SNAPSHOT,
    storageId: '--output_dir',
    directory,
    mode: 'rows',
    isOnlySlice: false,
    ...overrides,
  };
}

function run(overrides: Partial<SliceTask> = {}, signal = new AbortController().signal) {
  return worker.run(task(overrides), { onProgress: () => undefined, onStaged: (file) => staged.push(file) }, signal);
}

/** Puts rows of NULL into the sink, and says that there were so many. */
const rowsOfNull =
  (rows: number, counted = rows): Read =>
  async (sink) => {
    for (let left = rows; left > 0;) {
      const count = Math.min(sink.room, left);
      sink.columns[0]?.levels.appendOffsets(new Int32Array(count).fill(-1), 0, count);
      await sink.commit(count);
      left -= count;
    }
    return { rows: counted, bytes: 10 * rows, unrepresentable: {} };
  };

describe('a connection ahead of the first slice', () => {
  it('is the one that the slices are read by', async () => {
    read = rowsOfNull(1);
    const connecting = worker.connect(NO_SNAPSHOT);
    await run();
    await connecting;
    await run();
    expect([opened, closed]).toEqual([1, 0]);
    await worker.close();
    expect(closed).toBe(1);
  });

  it('that fails is made again for the slice', async () => {
    read = rowsOfNull(1);
    vi.mocked(openReader).mockRejectedValueOnce(new Error('too early'));
    await worker.connect(NO_SNAPSHOT);
    expect(await run()).toMatchObject({ rows: 1 });
    expect(opened).toBe(1);
  });

  it('that fails twice is the failure of the connection', async () => {
    vi.mocked(openReader).mockRejectedValue(new Error('nobody there'));
    await worker.connect(NO_SNAPSHOT);
    await expect(run()).rejects.toBeInstanceOf(UnconnectedError);
  });

  it('is closed although it was still being made', async () => {
    const connecting = worker.connect(NO_SNAPSHOT);
    await worker.close();
    await connecting;
    expect([opened, closed]).toEqual([1, 1]);
  });
});

describe('a worker', () => {
  it('stages the rows of the reader over one connection', async () => {
    read = rowsOfNull(250);
    expect(await run()).toMatchObject({ rows: 250, bytes: 2500, files: [{ rows: 100 }, { rows: 100 }, { rows: 50 }] });
    read = rowsOfNull(0);
    expect(await run()).toMatchObject({ rows: 0, files: [] });
    expect(opened).toBe(1);
    expect(staged.map((file) => file.part.path)).toEqual([
      'public/t/part-00001.parquet',
      'public/t/part-00001-00001.parquet',
      'public/t/part-00001-00002.parquet',
    ]);
  });

  it('puts Hive-style directories between the table and the file', async () => {
    read = rowsOfNull(1);
    await run({ slice: { ...task().slice, directory: 'year=2025/month=01' } });
    expect(staged[0]?.part.path).toBe('public/t/year=2025/month=01/part-00001.parquet');
  });

  it('stages a schema-only file without a connection', async () => {
    expect(await run({ mode: 'schema', isOnlySlice: true })).toMatchObject({ rows: 0, files: [{ rows: 0 }] });
    expect(opened).toBe(0);
  });

  it.each([249, 251])('fails if the source counted %d rows but 250 were written', async (counted) => {
    read = rowsOfNull(250, counted);
    await expect(run()).rejects.toMatchObject({
      code: 'ROW_COUNT_DIFFERS',
      context: { table: 'public.t', slice: 1 },
    });
    // Reported nevertheless, so they are discarded.
    expect(staged).toHaveLength(3);
  });

  it('leaves no file open after a failure, and continues with a new connection and clean buffers', async () => {
    read = rowsOfNull(30);
    const [before] = (await run()).files;
    read = async (sink) => {
      await rowsOfNull(150)(sink, new AbortController().signal);
      throw new LakeportError({
        code: 'DISK_ERROR',
        message: 'broken',
        context: { column: 'b' },
      });
    };
    await expect(run()).rejects.toMatchObject({
      code: 'DISK_ERROR',
      context: { table: 'public.t', column: 'b', slice: 1 },
    });
    expect(await scratch.files()).toHaveLength(2);
    expect([opened, closed]).toEqual([1, 1]);
    read = rowsOfNull(30);
    const [after] = (await run()).files;
    expect(after).toMatchObject({ rows: 30, part: { sha256: before?.part.sha256 } });
    expect(opened).toBe(2);
  });

  it('stops on request even if the reader does not', async () => {
    const abort = new AbortController();
    read = async (sink, signal) => {
      const result = await rowsOfNull(150)(sink, signal);
      abort.abort();
      return result;
    };
    await expect(run({}, abort.signal)).rejects.toThrow(/abort/);
    expect(staged).toHaveLength(1);
    expect(await scratch.files()).toHaveLength(1);
  });

  it('reports a failed connection separately from a failure of the slice', async () => {
    const error = new LakeportError({ code: 'SOURCE_REFUSED', message: 'refused' });
    vi.mocked(openReader).mockRejectedValueOnce(error);
    const failure = await run().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(UnconnectedError);
    expect(taskFailure(failure)).toMatchObject({ unconnected: true, error: { code: 'SOURCE_REFUSED' } });
    expect(taskFailure(error)).toMatchObject({ unconnected: false, error: { code: 'SOURCE_REFUSED' } });
    read = rowsOfNull(1);
    expect(await run()).toMatchObject({ rows: 1 });
  });

  it('closes its connection once', async () => {
    read = rowsOfNull(1);
    await run();
    await worker.close();
    await worker.close();
    expect(closed).toBe(1);
  });
});
