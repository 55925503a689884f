import { availableParallelism } from 'node:os';

import { LakeportError } from '../errors.js';
import { estimateReaderMemory } from '../parquet/memory.js';
import type { ReadColumn, Source, SourceTable, TableProblem } from '../sources/source.js';
import { runConsistency, tableConsistency } from './consistency.js';
import type { RunObserver } from './observer.js';
import type { ExportOptions } from './options.js';
import type { RunPlan, TablePlan } from './plan.js';
import { type ReaderBudget, readerBudget, usefulReaders } from './readers.js';
import { selectTables } from './selection.js';
import type { PlanStorages } from './run-storages.js';
import { expectedSliceBytes } from './slice-bytes.js';
import { checkSlices } from './slice-check.js';
import { tableKey, tableName } from './table-name.js';
import { placeTables, type TablePlace } from './table-places.js';

export interface PlanningContext {
  readonly options: ExportOptions;
  readonly source: Source;
  readonly storages: PlanStorages;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

interface DescribedTable {
  readonly table: SourceTable;
  readonly columns: readonly ReadColumn[];
}

/**
 * Decides everything that is known before the first row: tables, the snapshot, columns, slices, readers, places. What
 * is wrong with one table alone becomes a problem of the plan.
 * @throws LakeportError where nothing can be exported at all
 */
export async function planTables(context: PlanningContext): Promise<RunPlan> {
  const { options, source, storages, observer, signal } = context;
  const found = await source.listTables({ views: options.includeViews });
  const selection = selectTables(found, options);
  const places = await placeTables(selection.tables, options, storages);
  for (const warning of [...selection.warnings, ...places.warnings]) observer.message?.('warning', warning);

  signal.throwIfAborted();
  const pinned = await source.pin(selection.tables, { consistency: options.consistency });
  const problems = [...pinned.problems];
  const isProblem = new Set(problems.map(({ id }) => tableKey(id)));

  signal.throwIfAborted();
  const lockable = selection.tables.filter(({ id }) => !isProblem.has(tableKey(id)));
  const described = await describe(context, lockable, problems);
  const budget = readerBudget({ parallel: options.parallel, jobs: options.jobs, cores: availableParallelism() });
  const tables: TablePlan[] = [];
  for (const one of described) {
    signal.throwIfAborted();
    try {
      tables.push(await planTable(context, { ...one, place: places.of(one.table.id) }, budget));
    } catch (error) {
      problems.push({ id: one.table.id, error: LakeportError.from(error).within({ table: tableName(one.table.id) }) });
    }
  }
  const degrees = tables.map((table) => table.degree);
  const wanted = usefulReaders(degrees, { jobs: options.jobs, total: budget.total });
  const readers = await withinConnections(context, wanted);
  const { consistency } = pinned.snapshot;
  return {
    server: source.server,
    snapshot: { ...pinned.snapshot, consistency: runConsistency(consistency, tables) },
    tables: tables
      .map((table) => ({
        ...table,
        degree: Math.min(table.degree, readers),
        consistency: tableConsistency(consistency, table.slices.length),
      }))
      .sort(largestFirst),
    problems: problems.map((problem) => {
      const { storageId, displayPath } = places.of(problem.id);
      return { ...problem, storageId, displayPath };
    }),
    readers,
    readerMemoryBytes: Math.max(0, ...(await Promise.all(tables.map((table) => readerMemory(table, context))))),
  };
}

/** Adds to `problems` what can't be described. */
async function describe(
  { source, options }: PlanningContext,
  tables: readonly SourceTable[],
  problems: TableProblem[],
): Promise<DescribedTable[]> {
  const descriptions = await source.describe(tables, options);
  return tables.flatMap((table, index) => {
    const description = descriptions[index];
    if (description === undefined) return [];
    if ('error' in description) {
      problems.push(description);
      return [];
    }
    return [{ table, columns: description.columns }];
  });
}

async function planTable(
  { options, source }: PlanningContext,
  { table, columns, place }: DescribedTable & { readonly place: TablePlace },
  budget: ReaderBudget,
): Promise<TablePlan> {
  const { largeTableThreshold } = options;
  const slices = await source.slice(table, columns, { degree: budget.perTable, largeTableThreshold });
  checkSlices(slices);
  return {
    id: table.id,
    kind: table.kind,
    estimatedRows: table.estimatedRows,
    estimatedBytes: table.estimatedBytes,
    columns,
    method: slices.find((slice) => slice.method !== 'None')?.method ?? 'None',
    degree: Math.min(budget.perTable, slices.length),
    slices,
    ...place,
  };
}

/** As many of the wanted readers as the server has connections for. */
async function withinConnections({ source, observer }: PlanningContext, wanted: number): Promise<number> {
  const free = wanted === 0 ? undefined : await source.freeConnections();
  if (free === undefined || free >= wanted) return wanted;
  const { address } = source.server;
  if (free <= 0) {
    throw new LakeportError({
      code: 'NO_FREE_CONNECTIONS',
      exit: 'unreachable',
      message: `${address} has no free connection for a reader; ${wanted} are wanted`,
      hint: 'Raise max_connections or the limit of the user, close other sessions, or ask for fewer readers with -p and --n_jobs.',
    });
  }
  observer.message?.(
    'warning',
    `${address} has only ${free} free connections: going on with ${free} readers instead of ${wanted} (-p, --n_jobs)`,
    { free, wanted },
  );
  return free;
}

/** Row group and batch, and what the store holds of a file that is on its way. */
async function readerMemory(table: TablePlan, { options, storages }: PlanningContext): Promise<number> {
  const { estimatedBytes, estimatedRows, columns, slices, storageId } = table;
  const isKnown = estimatedBytes !== undefined && estimatedRows !== undefined && estimatedRows > 0;
  const rows = estimateReaderMemory(
    columns.map((column) => column.spec),
    { rowGroupRows: options.rowGroupRows, averageRowBytes: isKnown ? estimatedBytes / estimatedRows : undefined },
  );
  const storage = await storages.open(storageId);
  const parts = slices.map((slice) => storage.writerMemoryBytes?.(expectedSliceBytes(table, slice)) ?? 0);
  return rows + Math.max(0, ...parts);
}

/** What nobody knows the size of may be the largest. */
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
