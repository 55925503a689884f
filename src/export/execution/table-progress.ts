import type { LakeportError } from '../../errors.js';
import type { RowCheckResult } from '../model/row-check.js';
import type { Slice } from '../../sources/source.js';
import { Stopwatch } from '../../runtime/stopwatch.js';
import type { StagedPart } from '../../storage/storage.js';
import type { TablePlan } from '../model/plan.js';
import type { SliceOutcome } from '../model/slice-outcome.js';
import type { RecoveredSlices } from '../model/recovered-slices.js';

interface Sums {
  readonly rows: number;
  readonly bytes: number;
}

/** How far one table is in the run: slices to read, being read, resting before another attempt, and read. */
export class TableProgress {
  /** Slices being read. */
  active = 0;
  /** Slices that are read, of which it is being found out whether they count. */
  unconfirmed = 0;
  /** Why the table can't be published. */
  failure: LakeportError | undefined;
  /** How its rows were checked; undefined until they are. */
  rowCheck: RowCheckResult | undefined;
  /** It is about to begin anew: its readers are being stopped. */
  isRestarting = false;
  /** Parts that an earlier attempt of the run has published already. */
  readonly published: ReadonlySet<StagedPart>;
  #plan: TablePlan;
  #stopwatch: Stopwatch | undefined;
  #waiting: Slice[];
  #backingOff = 0;
  #restarts = 0;
  #isFromOnePlan: boolean;
  readonly #outcomes: Map<number, SliceOutcome>;
  readonly #attempts = new Map<number, number>();
  /** By slice. */
  readonly #staged = new Map<number, StagedPart[]>();
  /** Sums of the slices being read, by slice. */
  readonly #live = new Map<number, Sums>();

  constructor(plan: TablePlan, before?: RecoveredSlices) {
    this.#plan = plan;
    this.published = before?.published ?? new Set();
    this.#outcomes = new Map(before?.outcomes);
    this.#isFromOnePlan = this.#outcomes.size === 0;
    for (const [slice, { files }] of this.#outcomes) {
      this.#staged.set(
        slice,
        files.map(({ part }) => part),
      );
    }
    this.#waiting = plan.slices.filter(({ index }) => !this.#outcomes.has(index));
  }

  /** The first of its slices is about to be read. */
  start(): void {
    this.#stopwatch ??= new Stopwatch();
  }

  get startedAt(): Date | undefined {
    return this.#stopwatch?.startedAt;
  }

  /** Since its start, 0 before. */
  get seconds(): number {
    return this.#stopwatch?.seconds ?? 0;
  }

  get plan(): TablePlan {
    return this.#plan;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0 && this.failure === undefined && !this.isRestarting;
  }

  /** All that is left to do for it is to find out whether what was read counts. */
  get awaitsConfirmation(): boolean {
    return this.unconfirmed > 0 && this.active === 0 && this.#waiting.length === 0 && this.#backingOff === 0;
  }

  /** Nobody is at work on any of its slices. */
  get isIdle(): boolean {
    return this.active === 0 && this.unconfirmed === 0;
  }

  get isComplete(): boolean {
    return this.#outcomes.size === this.#plan.slices.length && this.failure === undefined;
  }

  get hasFiles(): boolean {
    return this.outcomes.some(({ outcome }) => outcome.files.length > 0);
  }

  /** All of its slices are read by this run, by one plan. */
  get isFromOnePlan(): boolean {
    return this.#isFromOnePlan;
  }

  /** How often it was begun anew. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The most attempts that one of its slices has taken, given that none of them has failed for good. */
  get attempts(): number {
    return Math.max(this.#restarts, ...this.#attempts.values()) + 1;
  }

  /** Every part that is staged for the table and not published, in no order. */
  get staged(): readonly StagedPart[] {
    return [...this.#staged.values()].flat().filter((part) => !this.published.has(part));
  }

  /** In the order of the slices. */
  get outcomes(): readonly { readonly slice: Slice; readonly outcome: SliceOutcome }[] {
    return this.#plan.slices.flatMap((slice) => {
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

  stagedPart(slice: Slice, part: StagedPart): void {
    const parts = this.#staged.get(slice.index);
    if (parts === undefined) this.#staged.set(slice.index, [part]);
    else parts.push(part);
  }

  /** Its reader is through with a slice. Followed by `proven` or `disproven`. */
  readToEnd(): void {
    this.active--;
    this.unconfirmed++;
  }

  /** What was read counts. */
  confirmed(slice: Slice, outcome: SliceOutcome): void {
    this.unconfirmed--;
    this.#live.delete(slice.index);
    this.#outcomes.set(slice.index, outcome);
  }

  /** What was read does not count: the slice is to be read again. */
  rejected(slice: Slice): void {
    this.unconfirmed--;
    this.#live.delete(slice.index);
    this.#waiting.unshift(slice);
  }

  /** A file is made up in place of a slice that had no rows. */
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
  requeue(slice: Slice): void {
    this.#ended(slice);
    this.#waiting.unshift(slice);
  }

  /** Its reader is through with the slice, and nothing has come of it. */
  released(slice: Slice): void {
    this.#ended(slice);
  }

  /** Another attempt of the slice has failed. Returns how many there were. */
  countAttempt(slice: Slice): number {
    const made = (this.#attempts.get(slice.index) ?? 0) + 1;
    this.#attempts.set(slice.index, made);
    return made;
  }

  /** What the slice had staged before it failed; it is the caller's to withdraw. */
  detachStaged(slice: Slice): readonly StagedPart[] {
    const parts = this.#staged.get(slice.index) ?? [];
    this.#staged.delete(slice.index);
    return parts;
  }

  /** The slice waits for its next attempt until the returned function is called; that of a table begun anew does nothing. */
  backOff(slice: Slice): () => void {
    this.#ended(slice);
    this.#backingOff++;
    const restarts = this.#restarts;
    return () => {
      if (restarts !== this.#restarts) return;
      this.#backingOff--;
      this.#waiting.unshift(slice);
    };
  }

  /** Forgets what was read and begins with another plan. Returns what was staged: it is the caller's to withdraw. */
  restart(plan: TablePlan): readonly StagedPart[] {
    const staged = this.staged;
    this.#plan = plan;
    this.#waiting = [...plan.slices];
    this.#backingOff = 0;
    if (this.startedAt !== undefined) this.#restarts++;
    this.#outcomes.clear();
    this.#staged.clear();
    this.#live.clear();
    this.#isFromOnePlan = true;
    this.isRestarting = false;
    return staged;
  }

  /** The slices that are left will be read as of another moment than those before. */
  markMixed(plan: Pick<TablePlan, 'consistency' | 'snapshot'>): void {
    this.#plan = { ...this.#plan, ...plan };
    this.#isFromOnePlan = false;
  }

  /** Takes the first slice once more, for a table whose slices were all without rows. */
  takeFirstAgain(): Slice | undefined {
    const [first] = this.#plan.slices;
    if (first !== undefined) this.active++;
    return first;
  }

  #ended(slice: Slice): void {
    this.active--;
    this.#live.delete(slice.index);
  }
}
