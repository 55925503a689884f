import type { LakeportError } from '../errors.js';
import type { Slice } from '../sources/source.js';
import type { StagedPart } from '../storage/storage.js';
import type { TablePlan } from './plan.js';
import type { SliceOutcome } from './worker-messages.js';

interface Sums {
  readonly rows: number;
  readonly bytes: number;
}

/** How far one table is in the run: slices to read, being read, and read. */
export class TableJob {
  readonly plan: TablePlan;
  /** Slices being read. */
  active = 0;
  startedAt: Date | undefined;
  /** Why the table can't be published. */
  failure: LakeportError | undefined;
  readonly #waiting: Slice[];
  readonly #outcomes = new Map<number, SliceOutcome>();
  readonly #staged: StagedPart[] = [];
  /** Sums of the slices being read, by slice. */
  readonly #live = new Map<number, Sums>();

  constructor(plan: TablePlan) {
    this.plan = plan;
    this.#waiting = [...plan.slices];
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0 && this.failure === undefined;
  }

  get isComplete(): boolean {
    return this.#outcomes.size === this.plan.slices.length && this.failure === undefined;
  }

  get hasFiles(): boolean {
    return this.outcomes.some(({ outcome }) => outcome.files.length > 0);
  }

  /** Every part that was staged for the table, in no order. */
  get staged(): readonly StagedPart[] {
    return this.#staged;
  }

  /** In the order of the slices. */
  get outcomes(): readonly { readonly slice: Slice; readonly outcome: SliceOutcome }[] {
    return this.plan.slices.flatMap((slice) => {
      const outcome = this.#outcomes.get(slice.index);
      return outcome === undefined ? [] : [{ slice, outcome }];
    });
  }

  get sums(): Sums {
    const all = [...this.#outcomes.values(), ...this.#live.values()];
    return all.reduce<Sums>((sum, one) => ({ rows: sum.rows + one.rows, bytes: sum.bytes + one.bytes }), {
      rows: 0,
      bytes: 0,
    });
  }

  takeSlice(): Slice | undefined {
    const slice = this.#waiting.shift();
    if (slice !== undefined) this.active++;
    return slice;
  }

  progress(slice: Slice, sums: Sums): void {
    this.#live.set(slice.index, sums);
  }

  stagedPart(part: StagedPart): void {
    this.#staged.push(part);
  }

  /** The slice is read, or made up in place of one that had no rows. */
  finished(slice: Slice, outcome: SliceOutcome): void {
    this.#ended(slice);
    this.#outcomes.set(slice.index, outcome);
  }

  /** Only the first failure counts: later ones are mostly its consequence. */
  failed(slice: Slice, error: LakeportError): void {
    this.#ended(slice);
    this.failure ??= error;
  }

  /** The slice was not begun after all. */
  giveBack(slice: Slice): void {
    this.#ended(slice);
    this.#waiting.unshift(slice);
  }

  /** Takes the first slice once more, for a table whose slices were all without rows. */
  retakeFirst(): Slice | undefined {
    const [first] = this.plan.slices;
    if (first !== undefined) this.active++;
    return first;
  }

  #ended(slice: Slice): void {
    this.active--;
    this.#live.delete(slice.index);
  }
}
