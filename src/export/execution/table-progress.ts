import type { LakeportError } from '../../errors.js';
import type { RowCheckResult } from '../model/row-check.js';
import type { Slice } from '../../sources/source.js';
import { Stopwatch } from '../../runtime/stopwatch.js';
import type { StagedPart } from '../../storage/storage.js';
import type { TablePlan } from '../model/plan.js';
import type { TableResult } from '../model/result.js';
import type { SliceOutcome } from '../model/slice-outcome.js';
import type { RecoveredSlices } from '../model/recovered-slices.js';

interface Sums {
  readonly rows: number;
  readonly bytes: number;
}

const NOTHING: ReadonlySet<StagedPart> = new Set();

/** What is known of a table's slices, by index. */
class SliceRecords {
  readonly outcomes: Map<number, SliceOutcome>;
  readonly attempts = new Map<number, number>();
  readonly staged = new Map<number, StagedPart[]>();
  /** Sums of the slices being read. */
  readonly live = new Map<number, Sums>();

  constructor(before: ReadonlyMap<number, SliceOutcome> = new Map()) {
    this.outcomes = new Map(before);
    for (const [slice, { files }] of before) {
      this.staged.set(
        slice,
        files.map(({ part }) => part),
      );
    }
  }
}

/** Progress of one table: slices pending, in flight, backing off and done. */
export class TableProgress {
  /** Slices being read. */
  active = 0;
  /** Slices read, awaiting confirmation that the snapshot was still held. */
  unconfirmed = 0;
  /** Why the table can't be published. */
  failure: LakeportError | undefined;
  /** Result of the row check; undefined before it. */
  rowCheck: RowCheckResult | undefined;
  /** What came of a sync besides its rows. */
  completion: Pick<TableResult, 'compaction' | 'deletedKeys'> = {};
  /** About to restart: its readers are being stopped. */
  isRestarting = false;
  /** Files already published by an earlier attempt of the run. */
  readonly published: ReadonlySet<StagedPart>;
  #plan: TablePlan;
  #stopwatch: Stopwatch | undefined;
  #waiting: Slice[];
  #backingOff = 0;
  #restarts = 0;
  #isFromOnePlan: boolean;
  #isEnded = false;
  /** Undefined before the first slice and after the end: of thousands of tables, few are in progress. */
  #records: SliceRecords | undefined;

  constructor(plan: TablePlan, before?: RecoveredSlices) {
    this.#plan = plan;
    this.published = before?.published ?? NOTHING;
    const { outcomes } = before ?? {};
    this.#isFromOnePlan = outcomes === undefined || outcomes.size === 0;
    if (!this.#isFromOnePlan) this.#records = new SliceRecords(outcomes);
    this.#waiting = plan.slices.filter(({ index }) => outcomes?.has(index) !== true);
  }

  /** Call before the first slice is read. */
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

  /** Everything is read, and only confirmations are outstanding. */
  get awaitsConfirmation(): boolean {
    return this.unconfirmed > 0 && this.active === 0 && this.#waiting.length === 0 && this.#backingOff === 0;
  }

  /** No slice is being read or awaiting confirmation. */
  get isIdle(): boolean {
    return this.active === 0 && this.unconfirmed === 0;
  }

  get isComplete(): boolean {
    const isRead = this.#isEnded || (this.#records?.outcomes.size ?? 0) === this.#plan.slices.length;
    return isRead && this.failure === undefined;
  }

  get hasFiles(): boolean {
    return this.outcomes.some(({ outcome }) => outcome.files.length > 0);
  }

  /** All slices are read by this attempt, from one plan. */
  get isFromOnePlan(): boolean {
    return this.#isFromOnePlan;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** The most attempts any of its slices took, provided none has failed for good. */
  get attempts(): number {
    return Math.max(this.#restarts, ...(this.#records?.attempts.values() ?? [])) + 1;
  }

  /** Every file staged for the table and not yet published, in no particular order. */
  get staged(): readonly StagedPart[] {
    return [...(this.#records?.staged.values() ?? [])].flat().filter((part) => !this.published.has(part));
  }

  /** In the order of the slices. */
  get outcomes(): readonly { readonly slice: Slice; readonly outcome: SliceOutcome }[] {
    return this.#plan.slices.flatMap((slice) => {
      const outcome = this.#records?.outcomes.get(slice.index);
      return outcome === undefined ? [] : [{ slice, outcome }];
    });
  }

  get sums(): Sums {
    const all = [...(this.#records?.outcomes.values() ?? []), ...(this.#records?.live.values() ?? [])];
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
    this.#slices.live.set(slice.index, sums);
  }

  stagedPart(slice: Slice, part: StagedPart): void {
    const { staged } = this.#slices;
    const parts = staged.get(slice.index);
    if (parts === undefined) staged.set(slice.index, [part]);
    else parts.push(part);
  }

  /** A slice was read to its end. Followed by `confirmed` or `rejected`. */
  readToEnd(): void {
    this.active--;
    this.unconfirmed++;
  }

  /** The slice counts: the snapshot was still held after the read. */
  confirmed(slice: Slice, outcome: SliceOutcome): void {
    this.unconfirmed--;
    this.#slices.live.delete(slice.index);
    this.#slices.outcomes.set(slice.index, outcome);
  }

  /** The slice does not count, and is read again. */
  rejected(slice: Slice): void {
    this.unconfirmed--;
    this.#records?.live.delete(slice.index);
    this.#waiting.unshift(slice);
  }

  /** An empty file was staged in place of slices without rows. */
  finished(slice: Slice, outcome: SliceOutcome): void {
    this.#ended(slice);
    this.#slices.outcomes.set(slice.index, outcome);
  }

  /** Only the first failure counts: later ones are usually its consequence. */
  failed(slice: Slice, error: LakeportError): void {
    this.#ended(slice);
    this.failure ??= error;
  }

  /** Returns the slice to the queue, to be read next. */
  requeue(slice: Slice): void {
    this.#ended(slice);
    this.#waiting.unshift(slice);
  }

  /** The reader is done with the slice, without a result. */
  released(slice: Slice): void {
    this.#ended(slice);
  }

  /** Counts a failed attempt of the slice. Returns how many there were. */
  countAttempt(slice: Slice): number {
    const { attempts } = this.#slices;
    const made = (attempts.get(slice.index) ?? 0) + 1;
    attempts.set(slice.index, made);
    return made;
  }

  /** Removes and returns what the slice had staged; the caller discards it. */
  detachStaged(slice: Slice): readonly StagedPart[] {
    const parts = this.#records?.staged.get(slice.index) ?? [];
    this.#records?.staged.delete(slice.index);
    return parts;
  }

  /** Holds the slice back until the returned function is called, unless the table has restarted since. */
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

  /** Forgets what was read and starts over with another plan. Returns what was staged; the caller discards it. */
  restart(plan: TablePlan): readonly StagedPart[] {
    const staged = this.staged;
    this.#plan = plan;
    this.#waiting = [...plan.slices];
    this.#backingOff = 0;
    if (this.startedAt !== undefined) this.#restarts++;
    const { outcomes, staged: parts, live } = this.#slices;
    for (const bySlice of [outcomes, parts, live]) bySlice.clear();
    this.#isFromOnePlan = true;
    this.isRestarting = false;
    return staged;
  }

  /** The remaining slices are read from another snapshot than those before. */
  markMixed(plan: Pick<TablePlan, 'consistency' | 'snapshot'>): void {
    this.#plan = { ...this.#plan, ...plan };
    this.#isFromOnePlan = false;
  }

  /** The table is published or given up: what its slices were is not needed again. */
  end(): void {
    this.#isEnded = true;
    this.#records = undefined;
  }

  /** Takes the first slice again, to stage an empty file for a table without rows. */
  takeFirstAgain(): Slice | undefined {
    const [first] = this.#plan.slices;
    if (first !== undefined) this.active++;
    return first;
  }

  get #slices(): SliceRecords {
    return (this.#records ??= new SliceRecords());
  }

  #ended(slice: Slice): void {
    this.active--;
    this.#records?.live.delete(slice.index);
  }
}
