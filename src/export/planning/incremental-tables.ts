import { LakeportError } from '../../errors.js';
import { cursorText } from '../../model/cursor.js';
import { type TableId, tableName } from '../../model/table.js';
import type { Increment } from '../../sources/increment.js';
import type { Source, SourceTable } from '../../sources/source.js';
import { tableFormat } from '../formats/formats.js';
import type { PublishedSyncs } from '../formats/table-format.js';
import type { IncrementalTable } from '../model/incremental.js';
import type { LoggedSync } from '../model/logged-sync.js';
import type { ExportOptions } from '../model/options.js';
import type { PlanStorages } from '../model/plan-storages.js';
import type { TableDestination } from '../model/table-destination.js';
import type { TableSync } from '../model/table-sync.js';
import { TableSettings } from './table-settings.js';

/** A table that is synced: what is there of it, and which rows its next sync reads. */
export interface SyncedTable {
  /** With the condition that selects these rows. */
  readonly table: SourceTable;
  readonly sync: TableSync;
  /** Undefined for the first sync. */
  readonly published: PublishedSyncs | undefined;
}

export interface SyncContext {
  readonly source: Source;
  readonly storages: PlanStorages;
  readonly place: TableDestination;
  /** Where the run log says that the table's last sync ended; undefined if it knows of none. */
  readonly logged?: LoggedSync | undefined;
}

/** The tables of a run that are synced incrementally. */
export class IncrementalTables {
  readonly #options: ExportOptions;
  readonly #settings: TableSettings<IncrementalTable>;

  /** @throws LakeportError of class `usage` for a malformed pattern, or options that exclude each other */
  constructor(options: ExportOptions) {
    this.#options = options;
    this.#settings = new TableSettings('--incremental-table', options.incremental);
    if (this.#settings.all.length > 0 && options.manifest === 'none') throw withoutManifest();
  }

  get isEmpty(): boolean {
    return this.#settings.all.length === 0;
  }

  /** @throws LakeportError of class `usage` if a pattern matches none of the tables */
  requireMatches(tables: readonly { readonly id: TableId }[]): void {
    this.#settings.requireMatches(tables);
  }

  of(id: TableId): IncrementalTable | undefined {
    return this.#settings.of(id).at(-1);
  }

  /**
   * Which rows the table's next sync reads, as of the source's snapshot. The table itself if it is not synced.
   * @param full reads all rows, in place of what is there, for this reason
   * @throws LakeportError if it cannot be synced
   */
  async next(table: SourceTable, context: SyncContext, full?: string): Promise<SyncedTable | undefined> {
    const setting = this.of(table.id);
    if (setting === undefined) return undefined;
    const { source, storages, place, logged } = context;
    if (source.increment === undefined) throw notSupported(source.engine);
    if (table.dataset.sample !== undefined) throw sampled(table.id);
    const options = this.#options;
    const format = tableFormat(options);
    const storage = await storages.open(place.storageId);
    const published = await format.syncs(place.directory, storage);
    // An export without syncs has replaced those that the log knows of.
    const isReplaced =
      published === undefined && logged !== undefined && (await format.previous(place.directory, storage)).length > 0;
    const isReset = options.resetWatermarks === true;
    const reason = isReset && published !== undefined ? 'the watermarks were reset' : full;
    const isAnew = published === undefined || reason !== undefined;
    if (!isReset && !isReplaced) refuseLost(table.id, { published, logged, place });
    if (!isAnew) {
      refuseOther(table.id, setting, published, place);
      refuseOtherRows(table, { published, source, place });
    }
    const request = {
      cursor: setting.cursor,
      after: isAnew ? undefined : published.watermark,
      // As long as no row had a value, there is no watermark to go on from.
      start: isAnew || published.watermark === undefined ? setting.start : undefined,
      isInclusive: setting.isInclusive,
      lagSeconds: (options.safetyLagMs ?? 0) / 1000,
      withNulls: isAnew && options.nullCursors === 'include',
    };
    const found = await source.increment(table, request);
    const isFull = isAnew || found.fullBecause !== undefined;
    const increment: Increment = reason === undefined ? found : { ...found, fullBecause: reason };
    if (increment.nulls > 0 && options.nullCursors !== 'include') throw nullCursors(table.id, setting, increment.nulls);
    const sync: TableSync = {
      // A number that the log knows may be in the name of a file that is still there.
      number: Math.max(published?.lastNumber ?? 0, isAnew ? (logged?.number ?? 0) : 0) + 1,
      cursor: setting.cursor,
      strategy: setting.strategy ?? options.strategy ?? 'append',
      isFull,
      increment,
      compacts: !isFull && this.#compacts(setting, published),
    };
    return { table: withRowsOf(sync, table), sync, published: isFull ? undefined : published };
  }

  #compacts(setting: IncrementalTable, published: PublishedSyncs | undefined): boolean {
    const { compactEvery, strategy = 'append' } = this.#options;
    const every = compactEvery ?? ((setting.strategy ?? strategy) === 'upsert' ? 1 : Infinity);
    return (published?.sinceWhole ?? 0) + 1 >= every;
  }
}

/** The table with the rows that the sync reads. */
export function withRowsOf({ increment: { condition } }: TableSync, table: SourceTable): SourceTable {
  return condition === undefined ? table : { ...table, dataset: { ...table.dataset, increment: condition } };
}

/** The lake is the authority; that it is behind the run log, or lacks files, is for a user to judge. */
function refuseLost(
  id: TableId,
  {
    published,
    logged,
    place,
  }: Pick<SyncContext, 'logged' | 'place'> & { readonly published: PublishedSyncs | undefined },
): void {
  const { displayPath } = place;
  const [missing] = published?.missing ?? [];
  if (missing !== undefined) {
    throw new LakeportError({
      code: 'SYNC_FILES_MISSING',
      message: `${published?.missing.length ?? 0} files of earlier syncs of ${tableName(id)} are missing in ${displayPath}, such as ${missing}`,
      hint: 'Put them back, or read the table again with --reset-watermarks.',
      context: { table: tableName(id), path: displayPath },
    });
  }
  const last = published?.lastNumber ?? 0;
  if (logged === undefined || logged.number <= last) return;
  throw new LakeportError({
    code: 'SYNC_BEHIND_LOG',
    message: `The last sync of ${tableName(id)} in ${displayPath} is ${last === 0 ? 'gone' : `number ${last}`}, but the run log knows of number ${logged.number}, by run ${logged.runId}: rows in between would be missing`,
    hint: 'Put the files and the manifest back, or read the table again with --reset-watermarks.',
    context: { table: tableName(id), path: displayPath },
  });
}

function refuseOther(
  id: TableId,
  { cursor }: IncrementalTable,
  published: PublishedSyncs,
  { displayPath }: TableDestination,
): void {
  const { cursor: before } = published;
  if (before.type === cursor.type && before.column === cursor.column) return;
  // Dates and times are compared as the column has them, whatever they are called.
  if (before.column !== undefined && before.column === cursor.column && before.type !== 'rowversion') return;
  throw new LakeportError({
    code: 'CURSOR_CHANGED',
    message: `${tableName(id)} in ${displayPath} was synced by ${cursorText(before)}, not by ${cursorText(cursor)}`,
    hint: 'Name the same column again, or read the table again with --reset-watermarks.',
    context: { table: tableName(id), path: displayPath },
  });
}

/** Files of one table have rows of one table, by one condition. */
function refuseOtherRows(
  { id, dataset }: SourceTable,
  {
    published: { origin },
    source,
    place,
  }: Pick<SyncContext, 'source' | 'place'> & { readonly published: PublishedSyncs },
): void {
  const { predicates = [] } = dataset;
  const query = dataset.kind === 'query' ? dataset.sql : undefined;
  const list = (conditions: readonly string[]) => (conditions.length === 0 ? 'no condition' : conditions.join(' and '));
  const changes = [
    ...(origin.engine === source.engine ? [] : [`they were of ${origin.engine ?? 'another engine'}`]),
    ...(origin.database === source.server.database ? [] : [`they were of the database ${origin.database ?? ''}`]),
    ...(origin.query === query ? [] : ['they were those of another query']),
    ...(list(origin.predicates) === list(predicates) ? [] : [`they were those with ${list(origin.predicates)}`]),
  ];
  if (changes.length === 0) return;
  throw new LakeportError({
    code: 'SYNC_ROWS_CHANGED',
    message: `The rows of ${tableName(id)} in ${place.displayPath} were chosen in another way: ${changes.join('; ')}`,
    hint: 'Choose them as before, or read the table again with --reset-watermarks.',
    context: { table: tableName(id), path: place.displayPath },
  });
}

function nullCursors(id: TableId, { cursor }: IncrementalTable, count: number): LakeportError {
  const rows = count === 1 ? '1 row has' : `${count} rows have`;
  return new LakeportError({
    code: 'CURSOR_NULL',
    message: `${tableName(id)}: ${rows} no value in ${cursor.column ?? ''}, so that no sync would read them`,
    hint: 'Give them a value, choose another column, or let the first sync take them: --incremental-nulls include.',
    context: { table: tableName(id), column: cursor.column ?? '' },
  });
}

function withoutManifest(): LakeportError {
  return new LakeportError({
    code: 'SYNC_WITHOUT_MANIFEST',
    message: '--incremental-table and --manifest none exclude each other: the manifest says where the last sync ended',
    hint: 'Leave --manifest out.',
    context: { detail: '--manifest' },
  });
}

function notSupported(engine: string): LakeportError {
  return new LakeportError({
    code: 'SYNC_NOT_SUPPORTED',
    message: `${engine} cannot be synced incrementally yet`,
    hint: 'Leave --incremental-table out.',
    context: { detail: '--incremental-table' },
  });
}

function sampled(id: TableId): LakeportError {
  return new LakeportError({
    code: 'FLAG_CONFLICT',
    message: `${tableName(id)}: --sample and --incremental-table exclude each other`,
    hint: 'Leave one of them out.',
    context: { table: tableName(id), detail: '--sample' },
  });
}
