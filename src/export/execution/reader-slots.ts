import type { TableProgress } from './table-progress.js';
import type { SliceTask } from '../worker/protocol.js';

interface Reading {
  readonly table: TableProgress;
  readonly weight: number;
}

/** Tracks which slices are being read, and how many readers there are. */
export class ReaderSlots {
  readonly #reading = new Map<SliceTask, Reading>();
  #count: number;
  /** What the slices being read weigh. */
  #weight = 0;
  /** Readers waiting to reconnect. */
  #pausing = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#weight + this.#pausing >= this.#count;
  }

  /** No slice is being read. */
  get isIdle(): boolean {
    return this.#reading.size === 0;
  }

  /** Slices being read. */
  get tasks(): readonly SliceTask[] {
    return [...this.#reading.keys()];
  }

  tasksOf(table: TableProgress): readonly SliceTask[] {
    return this.tasks.filter((task) => this.#reading.get(task)?.table === table);
  }

  /** @param reading.weight the share of a reader that the slice takes */
  take(task: SliceTask, reading: Reading): void {
    this.#reading.set(task, reading);
    this.#weight += reading.weight;
  }

  release(task: SliceTask): void {
    this.#weight -= this.#reading.get(task)?.weight ?? 0;
    this.#reading.delete(task);
    // Sums of fractions drift.
    if (this.#reading.size === 0) this.#weight = 0;
  }

  /** Reserves a reader until the wait is over. */
  async pause(wait: Promise<unknown>): Promise<void> {
    this.#pausing++;
    await wait;
    this.#pausing--;
  }

  retire(): void {
    this.#count--;
  }

  /** Slices being read beyond the new number are read to their end. */
  resize(count: number): void {
    this.#count = count;
  }
}
