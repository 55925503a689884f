import type { TableProgress } from './table-progress.js';
import type { SliceTask } from '../worker/protocol.js';

/** Tracks which slices are being read, and how many readers there are. */
export class ReaderSlots {
  readonly #reading = new Map<SliceTask, TableProgress>();
  #count: number;
  /** Readers waiting to reconnect. */
  #pausing = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#reading.size + this.#pausing >= this.#count;
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
    return this.tasks.filter((task) => this.#reading.get(task) === table);
  }

  take(task: SliceTask, table: TableProgress): void {
    this.#reading.set(task, table);
  }

  release(task: SliceTask): void {
    this.#reading.delete(task);
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
