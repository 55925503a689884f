import type { SortingColumn } from '../../parquet/file-writer.js';
import { createColumnBuffers } from '../../columns/column-buffers.js';
import { constantValues } from '../../columns/constant-values.js';
import { LakeportError } from '../../errors.js';
import { fastestKernels, type Kernels } from '../../kernels/kernels.js';
import { openReader } from '../../engines.js';
import { type Dataset, datasetId, isSameDataset } from '../../model/dataset.js';
import { tableName } from '../../model/table.js';
import type { ReadResult, SliceReader, Snapshot } from '../../sources/source.js';
import { splitsFiles } from '../../parquet/file-options.js';
import { openStorage } from '../../stores.js';
import { storageIdOf } from '../../storage/target.js';
import { joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import { stagedNaming } from '../formats/staged-naming.js';
import { SliceSink, type SliceSinkOptions } from './slice-sink.js';
import type { SliceOutcome, StagedFile } from '../model/slice-outcome.js';
import { metadataFooter } from './metadata-footer.js';
import type { SliceTask, TaskFailure, WorkerSetup } from './protocol.js';

export interface TaskListener {
  /** Called very often, with the task's sums so far. */
  readonly onProgress: (progress: { readonly rows: number; readonly bytes: number }) => void;
  readonly onStaged: (file: StagedFile) => void;
}

type TableBuffers = Required<Pick<SliceSinkOptions, 'columns' | 'added'>>;

/** Result of a task that reads no rows. */
const NOTHING: ReadResult = { rows: 0, bytes: 0, unrepresentable: {} };

/**
 * Reads slices into staged files, one at a time, over one connection to the source. Connection and storages are opened
 * when first needed, the connection also ahead of that.
 */
export class SliceWorker {
  readonly #setup: WorkerSetup;
  readonly #naming = stagedNaming();
  readonly #kernels: Kernels | undefined;
  readonly #storages = new Map<string, Promise<Storage>>();
  #open: { readonly reader: SliceReader; readonly snapshot: Snapshot } | undefined;
  /** Settles when the connection ahead of the first slice is made, or has failed. */
  #connecting: Promise<unknown> = Promise.resolve();
  /** Buffers of the table read last, reused by its next slice. */
  #buffers: { readonly dataset: Dataset; readonly buffers: TableBuffers } | undefined;

  constructor(setup: WorkerSetup) {
    this.#setup = setup;
    this.#kernels = fastestKernels();
  }

  /** Connects ahead of the first slice. Never throws: that slice connects again. */
  async connect(snapshot: Snapshot): Promise<void> {
    this.#connecting = this.#connectedReader(snapshot).catch(() => undefined);
    await this.#connecting;
  }

  /** @throws LakeportError or `UnconnectedError` */
  async run(task: SliceTask, listener: TaskListener, signal: AbortSignal): Promise<SliceOutcome> {
    await this.#connecting;
    const reader = task.mode === 'rows' ? await this.#connectedReader(task.snapshot) : undefined;
    signal.throwIfAborted();
    const sink = await this.#openSink(task, listener);
    try {
      const result = await reader?.read({ ...task, onUnrepresentable: this.#setup.onUnrepresentable }, sink, signal);
      signal.throwIfAborted();
      await sink.finish({ emptyFile: task.isOnlySlice && task.mayBeEmpty !== true });
      const { rows, bytes, unrepresentable, lostBounds } = result ?? NOTHING;
      checkCount({ counted: rows, written: sink.rows });
      return { rows, bytes, unrepresentable, lostBounds, files: sink.files };
    } catch (error) {
      // The state of buffers and connection is unknown.
      this.#buffers = undefined;
      await Promise.all([this.#closeReader(), sink.abort()]);
      throw LakeportError.from(error).within({
        table: tableName(datasetId(task.dataset)),
        slice: task.slice.index,
      });
    }
  }

  async close(): Promise<void> {
    await this.#connecting;
    const storages = await Promise.allSettled(this.#storages.values());
    await Promise.all([
      this.#closeReader(),
      ...storages.map((storage) => (storage.status === 'fulfilled' ? storage.value.close() : undefined)),
    ]);
  }

  async #openSink(task: SliceTask, listener: TaskListener): Promise<SliceSink> {
    const { files, runId } = this.#setup;
    const { maxFileBytes = Infinity } = files;
    const expectedBytes = task.expectedBytes === undefined ? undefined : Math.min(task.expectedBytes, maxFileBytes);
    const storage = await this.#storage(task.storageId);
    const directory = joinPath(task.directory, task.slice.directory ?? '');
    // With several files per slice, later files are renumbered when published.
    const provisional = !task.isOnlySlice && splitsFiles(files);
    return new SliceSink({
      ...this.#columnBuffers(task),
      files: { ...files, footer: { ...files.footer, ...this.#footerOf(task) } },
      sorting: sortingColumns(task),
      openPart: (file) =>
        storage.stage(joinPath(directory, this.#naming.stagedName(task, file)), { runId, expectedBytes, provisional }),
      onStaged: listener.onStaged,
      onProgress: listener.onProgress,
    });
  }

  #footerOf({ metadata, columns, added = [] }: SliceTask): Readonly<Record<string, string>> {
    const specs = [...columns, ...added].map(({ spec }) => spec);
    return metadataFooter(metadata, { specs, compat: this.#setup.compat });
  }

  #columnBuffers({ dataset, columns, added = [] }: SliceTask): TableBuffers {
    const last = this.#buffers;
    if (last !== undefined && isSameDataset(last.dataset, dataset)) return last.buffers;
    const specs = [...columns, ...added].map(({ spec }) => spec);
    this.#kernels?.clearColumns();
    const { rowGroupRows } = this.#setup.files;
    const all = createColumnBuffers(specs, { rowGroupRows, memory: this.#kernels?.columns });
    const buffers: TableBuffers = {
      columns: all.slice(0, columns.length),
      added: all.slice(columns.length).map((column, index) => ({
        column,
        values: constantValues(column, added[index]?.value ?? ''),
      })),
    };
    this.#buffers = { dataset, buffers };
    return buffers;
  }

  /** A reader is bound to its snapshot: another snapshot needs another reader. */
  async #connectedReader(snapshot: Snapshot): Promise<SliceReader> {
    if (this.#open !== undefined && isSame(this.#open.snapshot, snapshot)) return this.#open.reader;
    await this.#closeReader();
    try {
      const reader = await openReader(this.#setup.reader, snapshot, this.#kernels?.fixed);
      this.#open = { reader, snapshot };
      return reader;
    } catch (error) {
      throw new UnconnectedError(LakeportError.from(error));
    }
  }

  async #closeReader(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.reader.close();
  }

  #storage(id: string): Promise<Storage> {
    const open = this.#storages.get(id);
    if (open !== undefined) return open;
    const target = this.#setup.targets.find((one) => storageIdOf(one) === id);
    if (target === undefined) throw new TypeError(`The run has no storage ${id}`);
    const opening = openStorage(target);
    this.#storages.set(id, opening);
    return opening;
  }
}

/** As Parquet's footer says it. A column that the files lack has one value in the slice. */
function sortingColumns({ slice, columns }: SliceTask): SortingColumn[] | undefined {
  return slice.sorting?.flatMap(({ column, descending, nullsFirst }) => {
    const index = columns.findIndex(({ spec }) => spec.name === column);
    return index === -1 ? [] : [{ column_idx: index, descending, nulls_first: nullsFirst }];
  });
}

function isSame(a: Snapshot, b: Snapshot): boolean {
  return a.token === b.token && a.server === b.server && a.consistency === b.consistency;
}

/** The connection to the source failed: the slice is not to blame. */
export class UnconnectedError extends Error {
  readonly error: LakeportError;

  constructor(error: LakeportError) {
    super(error.message, { cause: error });
    this.error = error;
  }
}

/** Converts any thrown value into a message for the main thread. */
export function taskFailure(thrown: unknown): TaskFailure {
  const unconnected = thrown instanceof UnconnectedError;
  return { error: LakeportError.from(unconnected ? thrown.error : thrown).toData(), unconnected };
}

function checkCount(rows: { readonly counted: number; readonly written: number }): void {
  if (rows.counted === rows.written) return;
  throw new LakeportError({
    code: 'ROW_COUNT_DIFFERS',
    message: `The source counted ${rows.counted} rows of the slice, but ${rows.written} were written`,
    hint: 'This should never happen; please report it.',
  });
}
