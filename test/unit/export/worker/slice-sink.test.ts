import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { ColumnSpec } from '../../../../src/columns/column-spec.js';
import { createColumnBuffers } from '../../../../src/columns/column-buffers.js';
import { Int32Column } from '../../../../src/columns/int32-column.js';
import type { FileOptions } from '../../../../src/parquet/file-options.js';
import { SliceSink, type SliceSinkOptions } from '../../../../src/export/worker/slice-sink.js';
import { openLocalStorage } from '../../../../src/storage/local/index.js';
import type { PartWriter, Storage } from '../../../../src/storage/storage.js';
import { ScratchDirectory } from '../../../harness/scratch.js';

const SPEC: ColumnSpec = {
  name: 'n',
  fieldId: 1,
  nullable: false,
  list: false,
  type: { physical: 'INT32' },
  sourceType: 'integer',
  fidelity: 'exact',
};

let scratch: ScratchDirectory;
let storage: Storage;
let opened: number[];
let staged: number[];

beforeEach(async () => {
  scratch = new ScratchDirectory();
  storage = await openLocalStorage({ id: 'test', directory: scratch.path });
  opened = [];
  staged = [];
});
afterEach(() => scratch.remove());

function openPart(file: number): Promise<PartWriter> {
  opened.push(file);
  return storage.stage(`s/t/part-${file}.parquet`, { runId: 'run' });
}

function openSink(overrides: Partial<FileOptions & Pick<SliceSinkOptions, 'openPart'>> = {}): SliceSink {
  const { rowGroupRows = 1_000_000, codec = 'None', openPart: open = openPart, ...files } = overrides;
  return new SliceSink({
    columns: createColumnBuffers([SPEC], { rowGroupRows }),
    files: { codec, rowGroupRows, ...files },
    openPart: open,
    onStaged: (file) => staged.push(file.rows),
    onProgress: () => undefined,
  });
}

/** Appends random numbers, as a source's reader does: as many as there is room for at a time. */
async function append(sink: SliceSink, rows: number, values = 2 ** 31): Promise<void> {
  const [column] = sink.columns;
  if (!(column instanceof Int32Column)) throw new Error('the test knows one kind of column');
  for (let left = rows; left > 0;) {
    const count = Math.min(sink.room, left, 10_000);
    expect(count).toBeGreaterThan(0);
    column.levels.appendPresent(count);
    column.reserve(count);
    for (let i = 0; i < count; i++) {
      const value = Math.trunc(Math.random() * values);
      if (column.usesDictionary) column.indices[column.valueCount++] = column.dictionary.intern(value);
      else column.values[column.valueCount++] = value;
    }
    left -= count;
    await sink.commit(count);
  }
}

describe('a slice', () => {
  it('a slice without rows opens no file', async () => {
    const sink = openSink();
    await sink.finish({ emptyFile: false });
    expect(opened).toEqual([]);
    expect(sink.files).toEqual([]);
    expect(await scratch.files()).toEqual([]);
  });

  it('a slice without rows gives one file on request', async () => {
    const sink = openSink();
    await sink.finish({ emptyFile: true });
    expect(sink.files).toMatchObject([{ rows: 0, rowGroups: [] }]);
    expect(staged).toEqual([0]);
  });

  it('a slice becomes one file, whose footer and size match the staged part', async () => {
    const sink = openSink({ rowGroupRows: 40_000 });
    await append(sink, 100_000);
    await sink.finish({ emptyFile: true });
    expect(sink.rows).toBe(100_000);
    expect(sink.files).toHaveLength(1);
    expect(sink.files[0]?.rowGroups.map((group) => group.rows)).toEqual([40_000, 40_000, 20_000]);
    expect(sink.files[0]?.part.bytes).toBeGreaterThan(400_000);
  });

  it.each([
    [100_000, 40_000, [40_000, 40_000, 20_000]],
    [80_000, 40_000, [40_000, 40_000]],
    [3, 1, [1, 1, 1]],
  ])('a slice of %d rows becomes files of at most %d rows', async (rows, maxRowsPerFile, files) => {
    const sink = openSink({ maxRowsPerFile });
    await append(sink, rows);
    await sink.finish({ emptyFile: true });
    expect(sink.files.map((file) => file.rows)).toEqual(files);
    expect(staged).toEqual(files);
    expect(opened).toEqual(files.map((_, index) => index));
    expect(new Set(sink.files.map((file) => file.part.path)).size).toBe(files.length);
  });

  it.each([
    ['incompressible values', { codec: 'None' }, 2 ** 31],
    ['values that compress', { codec: 'Zstd' }, 2 ** 20],
    ['few values, which a dictionary holds', { codec: 'Zstd' }, 1000],
    ['many small row groups', { codec: 'Snappy', rowGroupRows: 2000 }, 2 ** 31],
  ] as const)('a slice of %s becomes files that are full, but no larger than allowed', async (_, files, values) => {
    const maxFileBytes = 200_000;
    const sink = openSink({ ...files, maxFileBytes });
    await append(sink, 500_000, values);
    await sink.finish({ emptyFile: true });
    const sizes = sink.files.map((file) => file.part.bytes);
    expect(sizes.length).toBeGreaterThan(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxFileBytes);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(maxFileBytes * 0.85);
    expect(sink.files.reduce((rows, file) => rows + file.rows, 0)).toBe(500_000);
  });

  it('an aborted slice leaves only complete files', async () => {
    const sink = openSink({ maxRowsPerFile: 200_000, rowGroupRows: 50_000 });
    await append(sink, 310_000);
    await sink.abort();
    expect(staged).toEqual([200_000]);
    const left = await scratch.files();
    expect(left).toHaveLength(1);
    expect(left[0]).toContain('part-0-');
  });

  it('a slice aborted while its file is being opened leaves nothing', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const sink = openSink({ rowGroupRows: 100_000, openPart: (file) => gate.then(() => openPart(file)) });
    const [column] = sink.columns;
    if (!(column instanceof Int32Column)) throw new Error('the test knows one kind of column');
    await append(sink, 100_000);
    const aborted = sink.abort();
    open();
    await aborted;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(opened).toEqual([0]);
    expect(await scratch.files()).toEqual([]);
  });

  it('a slice aborted before its file was opened opens none', async () => {
    const sink = openSink();
    await append(sink, 10);
    await sink.abort();
    await expect(sink.finish({ emptyFile: true })).rejects.toThrow('The file was aborted');
    expect(opened).toEqual([]);
  });

  it('a slice whose file cannot be opened fails', async () => {
    const sink = openSink({ openPart: () => Promise.reject(new Error('disk full')) });
    await append(sink, 10);
    await expect(sink.finish({ emptyFile: true })).rejects.toThrow('disk full');
    await sink.abort();
  });

  it('a slice fails if the store received another number of bytes', async () => {
    const short = async (file: number): Promise<PartWriter> => {
      const writer = await openPart(file);
      return {
        write: (chunks) => writer.write(chunks),
        end: async () => ({ ...(await writer.end()), bytes: 1 }),
        abort: () => writer.abort(),
      };
    };
    const sink = openSink({ openPart: short });
    await append(sink, 10);
    await expect(sink.finish({ emptyFile: true })).rejects.toMatchObject({ code: 'STAGED_SIZE_DIFFERS' });
    // Reported nevertheless, so it is discarded.
    expect(staged).toEqual([10]);
  });

  it('a slow store makes the reader wait', async () => {
    let release: () => void = () => undefined;
    const slow = (): Promise<PartWriter> =>
      Promise.resolve({
        write: () => new Promise<void>((resolve) => (release = resolve)),
        end: () => Promise.reject(new Error('not here')),
        abort: () => Promise.resolve(),
      });
    const sink = openSink({ rowGroupRows: 100_000, openPart: slow });
    await append(sink, 199_999);
    const waiting = append(sink, 1).then(() => 'went on');
    const soon = new Promise((resolve) => setTimeout(() => resolve('waits'), 50));
    expect(await Promise.race([waiting, soon])).toBe('waits');
    release();
    expect(await waiting).toBe('went on');
  });
});
