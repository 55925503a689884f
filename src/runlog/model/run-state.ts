import { FILES, JOBS, PARTITIONS, RUNS } from './columns.js';
import type { FileRow, JobRow, LogBatch, PartitionRow, RowChanges, RunRow, StoredRun, WatermarkRow } from './rows.js';

/**
 * The rows of one run, and which of them are not written yet. However long the log is unavailable, this holds no more rows
 * than the run has tables, slices and files.
 */
export class RunState {
  readonly jobs = new RowTable<JobRow>();
  readonly partitions = new RowTable<PartitionRow>();
  readonly files = new RowTable<FileRow>();
  /** By the ids of their jobs. The log may have rows of an earlier attempt, which are not restored. */
  readonly watermarks = new RowTable<WatermarkRow>({ isPartial: true });
  readonly #run: RunRow;
  #isRunChanged = false;
  #isNew = false;

  constructor(run: RunRow) {
    this.#run = { ...run };
  }

  /** The state of an earlier attempt, as it was written. */
  static restore({ run, jobs, partitions, files }: StoredRun): RunState {
    const state = new RunState(RUNS.ownRow(run));
    for (const job of jobs) state.jobs.restore(job.job_id, JOBS.ownRow(job));
    for (const partition of partitions) state.partitions.restore(partition.partition_id, PARTITIONS.ownRow(partition));
    for (const file of files) state.files.restore(file.file_id, FILES.ownRow(file));
    return state;
  }

  get run(): RunRow {
    return this.#run;
  }

  changeRun(change: Partial<RunRow>): void {
    Object.assign(this.#run, change);
    this.#isRunChanged = true;
  }

  get isWritten(): boolean {
    return !this.#isRunChanged && this.#tables.every((table) => table.isWritten);
  }

  /** All changes; they count as written from now on. */
  take(): LogBatch {
    this.#isRunChanged = false;
    return {
      run: { ...this.#run },
      isNew: this.#isNew,
      jobs: this.jobs.take(),
      partitions: this.partitions.take(),
      files: this.files.take(),
      watermarks: this.watermarks.take(),
    };
  }

  /** The changes taken last may not have been written. */
  giveBack(): void {
    this.#isRunChanged = true;
    for (const table of this.#tables) table.giveBack();
  }

  /** The log has lost the run's rows: it was emptied. */
  forgotten(): void {
    this.#isNew = true;
    this.#isRunChanged = true;
    for (const table of this.#tables) table.forgotten();
  }

  /** The log has the run. */
  known(): void {
    this.#isNew = false;
  }

  /** All rows, whether the log has them or not. */
  whole(): LogBatch {
    return {
      run: { ...this.#run },
      isNew: true,
      jobs: this.jobs.whole(),
      partitions: this.partitions.whole(),
      files: this.files.whole(),
      watermarks: this.watermarks.whole(),
    };
  }

  get #tables() {
    return [this.jobs, this.partitions, this.files, this.watermarks];
  }
}

/** Rows by an id that counts from 0. Rows are changed in place, because there are many changes; `take` returns copies. */
class RowTable<Row extends object> {
  readonly #rows: (Row | undefined)[] = [];
  readonly #changed = new Set<number>();
  /** Ids of rows that the log may have. */
  readonly #sent = new Set<number>();
  #taken: readonly number[] = [];
  readonly #isPartial: boolean;

  /** @param options.isPartial the log may have rows that are not here */
  constructor({ isPartial = false }: { readonly isPartial?: boolean } = {}) {
    this.#isPartial = isPartial;
  }

  /** An id that was never used. */
  get nextId(): number {
    return this.#rows.length;
  }

  get isWritten(): boolean {
    return this.#changed.size === 0;
  }

  get(id: number): Row | undefined {
    return this.#rows[id];
  }

  /** Takes ownership of the row. */
  put(id: number, row: Row): void {
    this.#rows[id] = row;
    this.#changed.add(id);
  }

  change(id: number, change: Partial<Row>): void {
    const row = this.#rows[id];
    if (row === undefined) return;
    Object.assign(row, change);
    this.#changed.add(id);
  }

  remove(id: number): void {
    this.#rows[id] = undefined;
    this.#changed.add(id);
  }

  /** Adds a row that the log has already. */
  restore(id: number, row: Row): void {
    this.#rows[id] = row;
    this.#sent.add(id);
  }

  all(): Row[] {
    return this.#rows.filter((row) => row !== undefined);
  }

  take(): RowChanges<Row> {
    const ids = [...this.#changed];
    const stale = this.#isPartial ? ids : ids.filter((id) => this.#sent.has(id));
    for (const id of ids) this.#sent.add(id);
    this.#changed.clear();
    this.#taken = ids;
    return { stale, rows: this.#copies(ids) };
  }

  whole(): RowChanges<Row> {
    return { stale: [...this.#rows.keys()], rows: this.#copies(this.#rows.keys()) };
  }

  giveBack(): void {
    for (const id of this.#taken) this.#changed.add(id);
  }

  forgotten(): void {
    for (const [id, row] of this.#rows.entries()) if (row !== undefined) this.#changed.add(id);
  }

  #copies(ids: Iterable<number>): Row[] {
    const rows: Row[] = [];
    for (const id of ids) {
      const row = this.#rows[id];
      if (row !== undefined) rows.push({ ...row });
    }
    return rows;
  }
}
