import type { ColumnSpec } from '../../columns/column-spec.js';
import { LakeportError } from '../../errors.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { Consistency, ReadColumn, Slice, Snapshot } from '../../sources/source.js';
import { VERSION } from '../../version.js';
import {
  asTextOnRecord,
  columnsOnRecord,
  type PreviousColumn,
  type PreviousSlice,
  type PreviousAttempt,
  type PreviousTable,
} from './previous-attempt.js';
import type { TableResult } from '../model/result.js';
import type { TableSync } from '../model/table-sync.js';
import type { SliceOutcome } from '../model/slice-outcome.js';

/** The state in which an earlier attempt left a table. */
export interface UnfinishedTable {
  /** As planned then; undefined if the table must be planned again. */
  readonly slices: readonly Slice[] | undefined;
  /** Fully staged slices, by index. */
  readonly outcomes: ReadonlyMap<number, SliceOutcome>;
  /** Whether its files already come from two snapshots. */
  readonly isMixed: boolean;
}

const NOTHING_LEFT: UnfinishedTable = { slices: undefined, outcomes: new Map(), isMixed: false };

/** An earlier attempt of the run, as its resume sees it. */
export class Resumption {
  readonly #earlier: PreviousAttempt;
  readonly #records: ReadonlyMap<string, PreviousTable>;
  readonly #partitions = new Map<number, PreviousSlice[]>();
  /** Of the snapshot that this attempt reads from. */
  #moment: string | undefined;

  constructor(earlier: PreviousAttempt) {
    this.#earlier = earlier;
    this.#records = new Map(earlier.tables.map((table) => [tableKey(idOf(table)), table]));
    for (const partition of earlier.partitions) {
      const known = this.#partitions.get(partition.jobId);
      if (known === undefined) this.#partitions.set(partition.jobId, [partition]);
      else known.push(partition);
    }
  }

  /** Whether the earlier attempt got as far as planning; if not, the resume starts from scratch. */
  get wasPlanned(): boolean {
    return this.#earlier.run.tables !== undefined && this.#records.size > 0;
  }

  /** When the run's first attempt started. */
  get startedAt(): Date {
    return this.#earlier.run.startedAt;
  }

  /** Call it as soon as it is known what this attempt reads from: more of the earlier one counts if it is the same. */
  readsFrom({ moment }: Snapshot): void {
    this.#moment = moment;
  }

  /** Whether this attempt goes on with the table in the snapshot that the earlier one has read it from. */
  isSameMoment(id: TableId): boolean {
    return this.#moment !== undefined && this.momentOf(id) === this.#moment;
  }

  /** Whether all rows that the earlier attempt leaves are of the snapshot that this one reads from. */
  get isOneMoment(): boolean {
    return this.#earlier.tables.every((table) => {
      const hasRows = table.state === 'completed' || this.unfinishedTable(idOf(table)).outcomes.size > 0;
      return !hasRows || this.isSameMoment(idOf(table));
    });
  }

  momentOf(id: TableId): string | undefined {
    return this.#records.get(tableKey(id))?.moment;
  }

  /** Tables still to be exported. */
  get unfinished(): readonly TableId[] {
    return this.#earlier.tables.filter(({ state }) => state !== 'completed').map(idOf);
  }

  /** The earlier attempt's snapshot, for tables read entirely from it. */
  get snapshot(): Snapshot {
    const { run } = this.#earlier;
    return {
      consistency: run.consistency === 'none' ? 'none' : 'table',
      token: undefined,
      id: run.snapshotId,
      takenAt: (run.snapshotAt ?? new Date(0)).toISOString(),
    };
  }

  /** Storages the earlier attempt has written to. */
  get storageIds(): readonly string[] {
    return [...new Set(this.#earlier.tables.flatMap(({ storageId }) => storageId ?? []))];
  }

  /** Results of tables already published. */
  published(): TableResult[] {
    return this.#earlier.tables.filter(({ state }) => state === 'completed').map(publishedResult);
  }

  /** Whether a read of the table ever started; otherwise, none of it can be published. */
  wasStarted(id: TableId): boolean {
    return (this.#records.get(tableKey(id))?.attempts ?? 0) > 0;
  }

  unfinishedTable(id: TableId): UnfinishedTable {
    const record = this.#records.get(tableKey(id));
    // Plans and staged files of another version may mean something else.
    if (record === undefined || this.#earlier.run.toolVersion !== VERSION) return NOTHING_LEFT;
    const partitions = (this.#partitions.get(record.jobId) ?? []).toSorted((a, b) => a.sliceIndex - b.sliceIndex);
    const outcomes = new Map<number, SliceOutcome>();
    const isSameMoment = this.isSameMoment(id);
    for (const { sliceIndex, staged, reported } of partitions) {
      // Written by the recorder, which was given a SliceOutcome.
      if (typeof staged === 'object' && staged !== null) outcomes.set(sliceIndex, staged as SliceOutcome);
      else if (isSameMoment && reported !== undefined) outcomes.set(sliceIndex, reported);
    }
    if (outcomes.size === 0) return NOTHING_LEFT;
    // Who wrote a row says nothing across two snapshots.
    if (record.sync?.cursor.type === 'xmin' && outcomes.size < partitions.length && !isSameMoment) return NOTHING_LEFT;
    const slices = partitions.flatMap(({ slice }) => (slice === undefined ? [] : [slice as Slice]));
    const isWhole = slices.length === partitions.length;
    return { slices: isWhole ? slices : undefined, outcomes, isMixed: record.consistency === 'none' };
  }

  /** Slices that the record does not know to be staged. */
  reportedSlices(id: TableId): ReadonlySet<number> {
    const { jobId = -1 } = this.#records.get(tableKey(id)) ?? {};
    const reported = (this.#partitions.get(jobId) ?? []).filter((one) => one.reported !== undefined);
    return new Set(reported.map(({ sliceIndex }) => sliceIndex));
  }

  /** The sync that its staged files belong to; undefined if there are none, or the table is exported whole. */
  syncOf(id: TableId): TableSync | undefined {
    if (this.unfinishedTable(id).outcomes.size === 0) return undefined;
    return this.#records.get(tableKey(id))?.sync;
  }

  /**
   * Columns that the earlier attempt wrote as text because of their values. Its files have them, so that the rest of the
   * table needs them too.
   */
  textColumns(id: TableId, columns: readonly ReadColumn[]): readonly string[] {
    if (this.unfinishedTable(id).outcomes.size === 0) return [];
    const before = new Map(this.#records.get(tableKey(id))?.columns?.map(([name, type]) => [name, type]));
    return columns
      .filter(({ spec }) => before.get(spec.name) === asTextOnRecord(spec.sourceType))
      .map(({ spec }) => spec.name);
  }

  /** @throws LakeportError if the table's columns have changed */
  checkColumns(id: TableId, columns: readonly ColumnSpec[]): void {
    const hasFiles = this.unfinishedTable(id).outcomes.size > 0;
    // Without files, values may decide anew.
    const typeOf = (type: string) => (hasFiles ? type : type.replace(AS_TEXT, ''));
    const comparable = ([name, type, nullable]: PreviousColumn): PreviousColumn => [name, typeOf(type), nullable];
    const before = this.#records.get(tableKey(id))?.columns?.map(comparable);
    if (before === undefined) return;
    const now = columnsOnRecord(columns).map(comparable);
    if (JSON.stringify(now) === JSON.stringify(before)) return;
    throw changedSince(id, difference(before, now));
  }

  /** Unfinished tables that no longer exist. @param found the existing tables */
  gone(found: readonly TableId[]): { readonly id: TableId; readonly error: LakeportError }[] {
    const keys = new Set(found.map(tableKey));
    return this.unfinished
      .filter((id) => !keys.has(tableKey(id)))
      .map((id) => ({ id, error: changedSince(id, 'the table no longer exists') }));
  }
}

const AS_TEXT = new RegExp(`${asTextOnRecord('')}$`);

function idOf({ schema, table }: PreviousTable): TableId {
  return { schema, name: table };
}

function publishedResult(record: PreviousTable): TableResult {
  const { startedAt, endedAt } = record;
  const seconds =
    startedAt === undefined || endedAt === undefined ? 0 : Math.max(0, endedAt.getTime() - startedAt.getTime()) / 1000;
  return {
    table: idOf(record),
    state: 'completed',
    rows: record.rows ?? 0,
    files: record.files ?? 0,
    bytes: record.bytes ?? 0,
    seconds,
    storageId: record.storageId ?? '',
    path: record.path ?? '',
    unrepresentable: record.unrepresentable,
    lostBounds: Object.fromEntries(
      (record.columns ?? []).flatMap(([name, , , lost = 0]) => (lost > 0 ? [[name, lost]] : [])),
    ),
    error: undefined,
    // Written by the recorder, as a Consistency.
    ...(record.consistency !== undefined && { consistency: record.consistency as Consistency }),
    publishedEarlier: true,
  };
}

function difference(before: readonly PreviousColumn[], now: readonly PreviousColumn[]): string {
  const names = (columns: readonly PreviousColumn[]) => columns.map(([name]) => name);
  const gone = names(before).filter((name) => !names(now).includes(name));
  const fresh = names(now).filter((name) => !names(before).includes(name));
  const other = now.filter((column) =>
    before.some((one) => one[0] === column[0] && JSON.stringify(one) !== JSON.stringify(column)),
  );
  const parts = [
    ...(gone.length > 0 ? [`without ${gone.join(', ')}`] : []),
    ...(fresh.length > 0 ? [`with ${fresh.join(', ')}`] : []),
    ...other.map(([name, type, nullable]) => `${name} is ${type}${nullable ? '' : ' NOT NULL'}`),
  ];
  return parts.length === 0 ? 'its columns are in a different order' : `its columns have changed: ${parts.join('; ')}`;
}

function changedSince(id: TableId, how: string): LakeportError {
  return new LakeportError({
    code: 'TABLE_CHANGED_SINCE',
    message: `${tableName(id)} has changed since the run started: ${how}`,
    hint: 'Export it in a new run, without --resume.',
    context: { table: tableName(id) },
  });
}
