import { tableName, type TableKind } from '../../model/table.js';
import type { TableOverride } from '../../sources/source.js';
import type { TablePlan } from '../model/plan.js';
import type { TableNote } from '../model/table-notes.js';
import type { ReaderBudget } from './reader-budget.js';

/** Whose rows no source can divide by itself. */
const WITHOUT_PLACES: ReadonlySet<TableKind> = new Set(['view', 'foreign table', 'query']);

/** A table of this size is worth several readers where their number is a limit; and where it was asked for. */
const LARGE_BYTES = { ofAutomatic: 128 << 20, ofAsked: 64 << 10 };

export interface ReaderNotesOptions {
  readonly budget: ReaderBudget;
  readonly override: TableOverride | undefined;
  readonly largeTableThreshold: number;
}

/** Says why a table that may be large is read by one reader, and which flag gives it more. */
export function readerNotes(
  { id, kind, dataset, slices, estimatedRows, estimatedBytes = 0 }: TablePlan,
  { budget, override, largeTableThreshold }: ReaderNotesOptions,
): TableNote[] {
  const isChosen = override?.method !== undefined || override?.key !== undefined || override?.degree === 1;
  const readers = override?.degree ?? budget.perTable;
  if (slices.length > 1 || isChosen || readers <= 1 || dataset.sample !== undefined) return [];
  const hasPlaces = !WITHOUT_PLACES.has(kind);
  const isAsked = budget.isAsked || override?.degree !== undefined;
  if (estimatedRows !== undefined && estimatedRows < largeTableThreshold && override?.degree === undefined) return [];
  if (hasPlaces && (estimatedRows === undefined || estimatedBytes < LARGE_BYTES[isAsked ? 'ofAsked' : 'ofAutomatic']))
    return [];
  const why = hasPlaces ? 'the source cannot divide its rows by their place' : `the rows of a ${kind} have no place`;
  return [
    {
      code: 'ONE_READER',
      text: `read by one reader, because ${why}; --table-config '${tableName(id)}:Ntile:KEY' or RangeId with a key gives it more`,
    },
  ];
}
