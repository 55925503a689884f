import { LakeportError } from '../../errors.js';
import { limitHeapGrowth } from '../../runtime/heap-growth.js';
import { availableCores, availableMemory } from '../../runtime/machine.js';
import { estimateReaderMemory, memoryBytes, NO_MEMORY, type ReaderMemory } from '../../parquet/memory.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import {
  type Consistency,
  type DescribedDataset,
  isSameServer,
  type ReadColumn,
  type Slice,
  type SliceOptions,
  type Snapshot,
  type SourceDataset,
  type SourceTable,
  type TableProblem,
} from '../../sources/source.js';
import { perTableAtBest, leastConsistency, tableConsistency } from '../model/consistency.js';
import { addedColumns } from './added-columns.js';
import { BloomFilterRules } from './bloom-filter-rules.js';
import { ChosenColumns } from './chosen-columns.js';
import { IncrementalTables } from './incremental-tables.js';
import type { PlanningContext } from './planning-context.js';
import { checkLevels, type PlannedSync, planSyncs, SyncsOfColumns } from './plan-syncs.js';
import { planKeys } from './plan-keys.js';
import { syncNotes } from './sync-notes.js';
import { ColumnRules } from './column-rules.js';
import { refuseMaskedKey } from '../../sources/partitioning/masked-key.js';
import { chooseOptIns } from './opt-in-tables.js';
import { type LeftOutTable } from '../model/plan.js';
import type { ExportOptions } from '../model/options.js';
import { columnSpecs, type PartitionColumn, type RunPlan, type TablePlan } from '../model/plan.js';
import type { ConstantColumn } from '../model/constant-column.js';
import { type ReaderBudget, readerBudget, usefulReaders } from './reader-budget.js';
import { readerNotes } from './reader-notes.js';
import { rowEstimate } from './row-estimate.js';
import { selectTables, someTables } from './table-selection.js';
import { skippedText, splitSkipped } from '../model/skipped-tables.js';
import { expectedSliceBytes } from '../model/slice-bytes.js';
import { takesCount } from '../model/row-check.js';
import { checkSliceCoverage } from './slice-coverage.js';
import { outsideSnapshot } from './snapshot-demand.js';
import { directoryNotes, TableNotes } from '../model/table-notes.js';
import { RequestedDatasets } from './requested-datasets.js';
import { routeTables, type TableDestinations } from './routing.js';
import { addMetadata } from './table-metadata.js';
import { type TableDestination } from '../model/table-destination.js';
import { encodingNotes } from './undecoded-encodings.js';

interface DescribedTable {
  readonly table: SourceDataset;
  readonly columns: readonly ReadColumn[];
  /** Columns whose values are masked, whether they are among those to export or not. */
  readonly masked: readonly string[];
  readonly added: readonly ConstantColumn[];
  /** Names of columns that are left out because the user may not read them. */
  readonly unreadable: readonly string[];
  /** The table's estimates are those of all its rows, although a condition leaves some of them. */
  readonly isEstimateBeforeCondition: boolean;
}

/** Plans of more tables take more memory than the rest of the program. */
const MANY_TABLES = 5000;

/**
 * Plans a run before the first row is read: tables, snapshot, columns, slices, readers and destinations. An error of a
 * single table becomes a problem of the plan.
 * @param only plan exactly these tables, ignoring the selection in the options
 * @throws LakeportError if nothing can be exported
 */
export async function planTables(context: PlanningContext, only?: readonly TableId[]): Promise<RunPlan> {
  const { options, source, storages, signal, resumption } = context;
  const requested = new RequestedDatasets(options);
  const choice = new ChosenColumns(options);
  const incremental = new IncrementalTables(options);
  const chosen = await chooseTables(context, requested, only);
  if (chosen.tables.length > MANY_TABLES) limitHeapGrowth();
  // What is left of an earlier attempt need not match all patterns.
  const isWhole = only === undefined && resumption?.wasPlanned !== true;
  if (isWhole) {
    requested.requireMatches([...chosen.tables, ...chosen.problems]);
    choice.requireTables([...chosen.tables, ...chosen.problems]);
    incremental.requireMatches([...chosen.tables, ...chosen.problems]);
  }
  const refused = [...chosen.problems, ...outsideSnapshot(chosen.tables, options)];
  const isRefused = new Set(refused.map(({ id }) => tableKey(id)));
  const selected = chosen.tables.filter(({ id }) => !isRefused.has(tableKey(id)));
  const places = await routeTables([...selected, ...refused], options, storages);
  if (isWhole) context.overrides.requireMatches([...selected, ...refused]);
  reportWarnings(context, { selected, places });

  signal.throwIfAborted();
  const earlier = await earlierSnapshots(context);
  const pinned = await source.pin(selected, { consistency: options.consistency, columnChoice: choice, earlier });
  resumption?.readsFrom(pinned.snapshot);
  const problems = [...refused, ...pinned.problems];
  const isProblem = new Set(problems.map(({ id }) => tableKey(id)));

  signal.throwIfAborted();
  const lockable = selected.filter(({ id }) => !isProblem.has(tableKey(id)));
  const rules = new ColumnRules(options);
  const bloomFilters = new BloomFilterRules(options);
  const synced = await planSyncs(context, lockable, { incremental, places, problems });
  const described = await describe(context, synced.tables, { problems, rules, choice, bloomFilters });
  const syncs = new SyncsOfColumns(context, { incremental, places, synced: synced.byKey, described });
  if (isWhole) {
    choice.requireColumns(chosen.tables, problems);
    rules.requireMatches(chosen.tables);
    bloomFilters.requireMatches(chosen.tables);
  }
  rules.requireListed();
  const { cores = availableCores() } = context;
  // Elsewhere, each reader may have a table of its own.
  const isElsewhere = context.cores !== undefined;
  const jobs = isElsewhere ? Math.max(options.jobs, cores) : options.jobs;
  const budget = readerBudget({ parallel: isElsewhere ? 'auto' : options.parallel, jobs, cores });
  const tables: TablePlan[] = [];
  for (const one of described) {
    signal.throwIfAborted();
    try {
      tables.push(
        await planTable(context, { ...one, ...(await syncs.of(one)), place: places.of(one.table.id) }, budget),
      );
    } catch (thrown) {
      problems.push(tableProblem(thrown, one.table, signal));
    }
  }
  signal.throwIfAborted();
  if (context.withMetadata === true) await addMetadata(tables, context);
  warnOfUnknownSizes(context, tables, budget);
  const degrees = tables.map((table) => table.degree);
  // An override may ask for more readers than the run has; it raises the run's total.
  const total = Math.max(budget.total, ...degrees);
  const wanted = usefulReaders(degrees, { jobs, total });
  const isCounted = tables.some((table) => takesCount(table, options.rowCheck));
  const { moment } = pinned.snapshot;
  const keepers = moment === undefined ? 0 : (context.keepers?.count ?? 0);
  const readers = await withinConnections(context, wanted, (isCounted ? 1 : 0) + keepers);
  // Tables of an earlier attempt come from an earlier snapshot, unless somebody has kept it.
  const isTakenOver = earlier.some((snapshot) => snapshot.moment === moment);
  if (isTakenOver) {
    const text = 'The run goes on in the snapshot of the attempt before, which others have held meanwhile';
    context.observer.message?.('info', text, { event: 'snapshot_taken_over' });
  }
  const isOneMoment = resumption?.wasPlanned !== true || (isTakenOver && resumption.isOneMoment);
  const weaken = isOneMoment ? (all: Consistency) => all : perTableAtBest;
  const notes = new TableNotes(
    described.map(({ table, columns, unreadable, isEstimateBeforeCondition }) => ({
      table,
      isEstimateBeforeCondition,
      boundless: boundlessArrays(columns, options),
      texts: textsByValues(columns),
      unreadable,
    })),
  );
  const failures = splitSkipped(problems);
  for (const text of [...notes.summaries, ...failures.skipped.map(skippedText)]) {
    context.observer.message?.('warning', text);
  }
  const consistencyOf = ({ slices, isForeign }: TablePlan) =>
    weaken(tableConsistency(isForeign === true ? 'none' : pinned.snapshot.consistency, slices.length));
  const consistency = leastConsistency(weaken(pinned.snapshot.consistency), tables.map(consistencyOf));
  const memories = await Promise.all(tables.map((table) => memoryFor(table, context)));
  const readerMemory = memories.reduce((a, b) => (memoryBytes(b) > memoryBytes(a) ? b : a), NO_MEMORY);
  if (context.cores === undefined) warnOfMemory(context, { readers, readerMemory });
  return {
    server: source.server,
    snapshot: { ...pinned.snapshot, consistency },
    // In place: a copy of each of thousands of tables would double what a plan takes.
    tables: tables
      .map((table) =>
        Object.assign(table, {
          degree: Math.min(table.degree, readers),
          consistency: consistencyOf(table),
          moment: table.isForeign === true ? undefined : moment,
          notes: [
            ...notes.of(table),
            ...directoryNotes(table),
            ...syncNotes(table),
            ...encodingNotes(table, options),
            ...readerNotes(table, {
              budget,
              override: context.overrides.of(table.id),
              largeTableThreshold: options.largeTableThreshold,
            }),
          ],
        }),
      )
      .sort(largestFirst),
    problems: failures.problems.map((problem) => {
      const { storageId, displayPath } = places.of(problem.id);
      return { ...problem, storageId, displayPath };
    }),
    skipped: failures.skipped,
    leftOut: chosen.leftOut,
    readers,
    connections: 1 + readers + keepers + (isCounted ? 1 : 0) + (tables.some(({ keys }) => keys !== undefined) ? 1 : 0),
    readerMemory,
  };
}

/** Those that this attempt can take over from the one before. */
async function earlierSnapshots({ keepers, resumption, source, observer }: PlanningContext): Promise<Snapshot[]> {
  if (keepers === undefined || resumption?.wasPlanned !== true) return [];
  try {
    const held = await keepers.held();
    return held.filter(({ server }) => isSameServer(server, source.server)).map(({ snapshot }) => snapshot);
  } catch (error) {
    observer.message?.('warning', `Nobody can be asked for the run's snapshot: ${LakeportError.from(error).message}`);
    return [];
  }
}

/**
 * An error while one table is planned.
 * @throws what is not the table's fault: the end of a cancelled run, and the loss of the connection, after which the whole
 *   plan is retried
 */
function tableProblem(thrown: unknown, { id }: SourceDataset, signal: AbortSignal): TableProblem {
  signal.throwIfAborted();
  const error = LakeportError.from(thrown).within({ table: tableName(id) });
  if (error.transient && error.exit === 'unreachable') throw error;
  return { id, error };
}

/** Columns whose arrays may lose their bounds: lists and JSON cannot hold them. Known for sure once rows are read. */
function boundlessArrays(columns: readonly ReadColumn[], { arrays = 'list' }: ExportOptions): readonly string[] {
  if (arrays === 'text') return [];
  const isJsonArray = ({ spec }: ReadColumn) =>
    spec.sourceType.endsWith('[]') && spec.type.logical?.kind === 'json' && spec.mask === undefined;
  return columns.filter((column) => column.spec.list || isJsonArray(column)).map(({ spec }) => spec.name);
}

function textsByValues(columns: readonly ReadColumn[]): readonly string[] {
  return columns.filter(({ spec }) => spec.isTextByValues === true).map(({ spec }) => spec.name);
}

interface ChosenTables {
  readonly tables: readonly SourceTable[];
  /** Includes tables that an earlier attempt had left to do and that no longer exist. */
  readonly problems: readonly TableProblem[];
  readonly leftOut: readonly LeftOutTable[];
}

async function chooseTables(
  { options, source, observer, resumption }: PlanningContext,
  requested: RequestedDatasets,
  only: readonly TableId[] | undefined,
): Promise<ChosenTables> {
  const found = await source.listTables();
  const { queries } = requested;
  const names = new Set(queries.map(({ id }) => tableKey(id)));
  // A table that has been created since, under the name of a query, is none of the run's.
  const withQueries = [...found.filter(({ id }) => !names.has(tableKey(id))), ...queries];
  const wanted = (tables: readonly SourceTable[]) => tables.map((table) => requested.of(table));
  if (only !== undefined) return { tables: wanted(tablesOf(withQueries, only)), problems: [], leftOut: [] };
  if (resumption?.wasPlanned === true) {
    const { tables, problems } = chooseOptIns(tablesOf(withQueries, resumption.unfinished), options);
    const gone = resumption.gone(withQueries.map(({ id }) => id));
    return { tables: wanted(tables), problems: [...problems, ...gone], leftOut: [] };
  }
  const { warnings, ...selection } = await selectTables(
    found,
    { ...options, mayBeEmpty: queries.length > 0 },
    async () => source.listOthers?.() ?? [],
  );
  for (const warning of warnings) observer.message?.('warning', warning);
  requested.refuseTakenNames([...selection.tables, ...selection.problems]);
  return { ...selection, tables: wanted([...selection.tables, ...queries]) };
}

function tablesOf(found: readonly SourceTable[], ids: readonly TableId[]): SourceTable[] {
  const wanted = new Set(ids.map(tableKey));
  return found.filter(({ id }) => wanted.has(tableKey(id)));
}

function reportWarnings(
  { observer, overrides }: PlanningContext,
  { selected, places }: { readonly selected: readonly SourceTable[]; readonly places: TableDestinations },
): void {
  const ids = selected.map(({ id }) => id);
  for (const warning of [...places.warnings, ...overrides.warnings(ids)]) observer.message?.('warning', warning);
}

/** Memory of the program besides its readers. */
const OWN_MEMORY_BYTES = 100 * 2 ** 20;

function warnOfMemory({ observer }: PlanningContext, plan: Pick<RunPlan, 'readers' | 'readerMemory'>): void {
  const needed = plan.readers * memoryBytes(plan.readerMemory) + OWN_MEMORY_BYTES;
  const available = availableMemory();
  if (needed <= available) return;
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  observer.message?.(
    'warning',
    `The readers may need up to ${mebibytes(needed)} of memory, but only ${mebibytes(available)} are available: lower -p, --n-jobs or --row-group-rows`,
    { event: 'memory_short', needed_bytes: needed, available_bytes: available },
  );
}

/** Without a row estimate, tables of at least this size get a warning. */
const WARNING_BYTES = 128 << 20;

/** Without an estimate, a single reader reads the table, however large it is. */
function warnOfUnknownSizes(
  { observer, overrides }: PlanningContext,
  tables: readonly TablePlan[],
  budget: ReaderBudget,
): void {
  if (budget.perTable <= 1) return;
  const unknown = tables.filter(
    ({ id, kind, estimatedRows, estimatedBytes = Infinity }) =>
      (kind === 'table' || kind === 'partitioned table') &&
      estimatedRows === undefined &&
      estimatedBytes >= WARNING_BYTES &&
      overrides.of(id) === undefined,
  );
  if (unknown.length === 0) return;
  const each = unknown.length === 1 ? 'it is read by one reader' : 'each is read by one reader';
  const text = `The database has no row estimate for ${someTables(unknown)}: ${each}, unless --table-config says otherwise`;
  observer.message?.('warning', text);
}

interface ColumnPlanning extends Rules {
  readonly problems: TableProblem[];
  readonly bloomFilters: BloomFilterRules;
}

/** Adds tables that cannot be described to `problems`. */
async function describe(
  context: PlanningContext,
  tables: readonly SourceDataset[],
  { problems, rules, choice, bloomFilters }: ColumnPlanning,
): Promise<DescribedTable[]> {
  const { source, options } = context;
  const descriptions = await source.describe(tables, { ...options, treatments: rules, columnChoice: choice });
  const described: DescribedTable[] = [];
  for (const [index, table] of tables.entries()) {
    const description = descriptions[index];
    if (description === undefined) continue;
    if ('error' in description) {
      problems.push(description);
      continue;
    }
    const [outside] = outsideSnapshot(description.isForeign === true ? [{ ...table, isForeign: true }] : [], options);
    if (outside !== undefined) {
      problems.push(outside);
      continue;
    }
    try {
      // Some files of a resumed run may have been written before.
      const { startedAt } = context.resumption ?? options;
      const one = describedTable(table, description, { options: { ...options, startedAt }, choice, rules });
      const columns = await withoutMisfits(context, { ...one, rules, choice });
      described.push({ ...one, columns: bloomFilters.applied(table.id, columns) });
    } catch (thrown) {
      problems.push(tableProblem(thrown, table, context.signal));
    }
  }
  return described;
}

/** With `--on-unrepresentable text`: columns with values that fit no other type are described again, as text. */
async function withoutMisfits(
  { source, options, resumption }: PlanningContext,
  { table, columns, rules, choice }: Pick<DescribedTable, 'table' | 'columns'> & Rules,
): Promise<readonly ReadColumn[]> {
  if (options.onUnrepresentable !== 'text') return columns;
  const found = await source.findUnrepresentable(table, columns);
  const names = new Set([...found, ...(resumption?.textColumns(table.id, columns) ?? [])]);
  if (names.size === 0) return columns;
  rules.writeAsText(table.id, [...names]);
  const [description] = await source.describe([table], { ...options, treatments: rules, columnChoice: choice });
  if (description === undefined) throw new TypeError('A table was not described');
  if ('error' in description) throw description.error;
  return description.columns;
}

/** Which columns are exported, and how. */
interface Rules {
  readonly rules: ColumnRules;
  readonly choice: ChosenColumns;
}

function describedTable(
  table: SourceDataset,
  { columns, unreadable = [], estimate, isForeign }: DescribedDataset,
  { options, choice, rules }: Rules & { readonly options: ExportOptions },
): DescribedTable {
  const isPartial = choice.isFor(table.id) || unreadable.length > 0;
  const names = columns.map(({ spec }) => spec.name);
  const all = choice.namesOf(table.id) ?? names;
  rules.described(table.id, all, names);
  const { isBeforeCondition, ...estimates } = rowEstimate(table, estimate);
  const isSame = estimates.estimatedRows === table.estimatedRows && estimates.estimatedBytes === table.estimatedBytes;
  return {
    isEstimateBeforeCondition: isBeforeCondition,
    // A copy only where something differs: of thousands of tables it would take much memory.
    table:
      isSame && isForeign !== true && !isPartial
        ? table
        : {
            ...table,
            ...estimates,
            ...(isForeign === true && { isForeign }),
            ...(isPartial && { dataset: { ...table.dataset, columns: names } }),
          },
    columns,
    masked: all.filter((name) => rules.of(table.id, name)?.mask !== undefined),
    added: addedColumns(table.id, names, options),
    unreadable,
  };
}

async function planTable(
  context: PlanningContext,
  {
    table,
    columns,
    masked,
    added,
    sync,
    published,
    place,
  }: DescribedTable & PlannedSync & { readonly place: TableDestination },
  budget: ReaderBudget,
): Promise<TablePlan> {
  const override = context.overrides.of(table.id);
  refuseMaskedKey(table.id, override, masked);
  const sortBy = context.overrides.sortOf(table.id, columns);
  const slices = await sliceTable(
    context,
    { table, columns },
    { override, sortBy, degree: budget.perTable, isDegreeAsked: budget.isAsked },
  );
  checkSliceCoverage(slices);
  const [someSlice] = slices;
  checkLevels(table, { published, levels: someSlice && (someSlice.levels ?? []).map(({ name }) => name) });
  const replaced = slices[0]?.replaces ?? [];
  const columnsOfFiles = columns.filter(({ spec }) => !replaced.includes(spec.name));
  context.resumption?.checkColumns(table.id, columnSpecs({ columns: columnsOfFiles, added }));
  return {
    dataset: table.dataset,
    id: table.id,
    kind: table.kind,
    isForeign: table.isForeign,
    estimatedRows: table.estimatedRows,
    estimatedBytes: table.estimatedBytes,
    columns: columnsOfFiles,
    added: added.length > 0 ? added : undefined,
    partitionedBy: partitionColumns(slices, columns),
    method: slices.find((slice) => slice.method !== 'None')?.method ?? 'None',
    degree: Math.min(override?.degree ?? budget.perTable, slices.length),
    slices,
    storageId: place.storageId,
    directory: place.directory,
    displayPath: place.displayPath,
    manifest: place.manifest,
    ddl: place.ddl,
    sync,
    keys: await planKeys(context, { table, columns, sync, replaced }),
    consistency: undefined,
    moment: undefined,
    notes: undefined,
  };
}

/** The columns that readers take from the names of directories; undefined where there are none. */
function partitionColumns(slices: readonly Slice[], columns: readonly ReadColumn[]): PartitionColumn[] | undefined {
  const [first] = slices;
  return first?.levels?.map(({ name }) => {
    const replaced = first.replaces?.includes(name) === true && columns.find(({ spec }) => spec.name === name);
    return { name, ...(replaced && { sourceType: replaced.spec.sourceType, type: replaced.spec.type }) };
  });
}

/** Keeps the slices of an earlier attempt if some of them are staged. */
async function sliceTable(
  { options: { largeTableThreshold, onUnrepresentable }, source, resumption }: PlanningContext,
  { table, columns }: Pick<DescribedTable, 'table' | 'columns'>,
  options: Pick<SliceOptions, 'override' | 'sortBy' | 'degree' | 'isDegreeAsked'>,
): Promise<readonly Slice[]> {
  const left = resumption?.unfinishedTable(table.id);
  if (left?.slices !== undefined) return left.slices;
  const wasOnePiece = left !== undefined && left.outcomes.size > 0;
  const { sortBy } = options;
  const slices = await source.slice(
    table,
    columns,
    wasOnePiece ? { degree: 1, sortBy, largeTableThreshold } : { ...options, largeTableThreshold },
  );
  // A value written as NULL lies where the server has sorted it.
  return onUnrepresentable === 'null' ? slices.map((slice) => ({ ...slice, sorting: undefined })) : slices;
}

/** Limits the readers to the server's free connections. @param others connections besides the readers' */
async function withinConnections(
  { source, observer }: PlanningContext,
  wanted: number,
  others: number,
): Promise<number> {
  const free = wanted === 0 ? undefined : await source.freeConnections();
  if (free === undefined || free >= wanted + others) return wanted;
  const { address } = source.server;
  if (free <= 0) {
    throw new LakeportError({
      code: 'NO_FREE_CONNECTIONS',
      message: `${address} has no free connection for a reader; ${wanted} ${wanted === 1 ? 'is' : 'are'} needed`,
      hint: 'Raise the connection limit of the server, database or user, or close other sessions; a run needs at least one reader.',
    });
  }
  const readers = Math.max(1, free - others);
  if (readers === wanted) return wanted;
  observer.message?.(
    'warning',
    `${address} has only ${free} free ${free === 1 ? 'connection' : 'connections'}: continuing with ${readers === 1 ? '1 reader' : `${readers} readers`} instead of ${wanted} (-p, --n-jobs)`,
    { free, wanted },
  );
  return readers;
}

async function memoryFor(table: TablePlan, { options, storages }: PlanningContext): Promise<ReaderMemory> {
  const { estimatedBytes, estimatedRows, slices, storageId } = table;
  const isKnown = estimatedBytes !== undefined && estimatedRows !== undefined && estimatedRows > 0;
  const storage = await storages.open(storageId);
  const { maxFileBytes = Infinity } = options;
  const parts = slices.map((slice) => {
    const bytes = expectedSliceBytes(table, slice);
    return storage.writerMemoryBytes?.(bytes === undefined ? undefined : Math.min(bytes, maxFileBytes)) ?? 0;
  });
  return estimateReaderMemory(columnSpecs(table), {
    rowGroupRows: options.rowGroupRows,
    averageRowBytes: isKnown ? estimatedBytes / estimatedRows : undefined,
    uploadBytes: Math.max(0, ...parts),
  });
}

/** Tables of unknown size come first: they may be the largest. */
function largestFirst(a: TablePlan, b: TablePlan): number {
  const bySize = size(b) - size(a);
  return Number.isNaN(bySize) || bySize === 0 ? compare(tableName(a.id), tableName(b.id)) : bySize;
}

function size({ estimatedBytes, estimatedRows }: TablePlan): number {
  return estimatedBytes ?? estimatedRows ?? Infinity;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
