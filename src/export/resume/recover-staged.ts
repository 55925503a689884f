import pLimit from 'p-limit';

import { joinPath } from '../../storage/path.js';
import type { StagedPart, Storage } from '../../storage/storage.js';
import type { RunPlan, TablePlan } from '../model/plan.js';
import type { TableFormat } from '../formats/table-format.js';
import type { Resumption } from './resumption.js';
import type { RecoveredSlices } from '../model/recovered-slices.js';
import { tableKey } from '../../model/table.js';
import type { SliceOutcome } from '../model/slice-outcome.js';

/** Files looked up concurrently. */
const CONCURRENCY = 16;

export interface RecoveredTables {
  /** With the consistency the tables will have. */
  readonly plan: RunPlan;
  /** Slices that need not be read again, by table key. */
  readonly recovered: ReadonlyMap<string, RecoveredSlices>;
}

export interface RecoverOptions {
  readonly resumption: Resumption;
  /** Whether a table that would hold rows from two snapshots is re-read in full. */
  readonly wholeTables: boolean;
  readonly format: TableFormat;
  readonly storageOf: (id: string) => Storage;
}

/** Checks which of the files staged by an earlier attempt of the run still exist. */
export async function recoverStagedFiles(plan: RunPlan, options: RecoverOptions): Promise<RecoveredTables> {
  const limit = pLimit(CONCURRENCY);
  const recovered = new Map<string, RecoveredSlices>();
  const tables = await Promise.all(
    plan.tables.map(async (table) => {
      const left = options.resumption.unfinishedTable(table.id);
      // A table once read in one piece cannot be continued in several slices.
      const isOther = left.slices === undefined && table.slices.length !== 1;
      if (left.outcomes.size === 0 || isOther) return table;
      const storage = options.storageOf(table.storageId);
      const slices = placedSlices(table, left.outcomes, options.format);
      const found = await locateAll(table, slices, (part, path) => limit(() => storage.locate(part, path)));
      const isAll = found.outcomes.size === table.slices.length;
      const isSameMoment = options.resumption.isSameMoment(table.id);
      const isMixed = !isSameMoment && (left.isMixed || !isAll);
      if (found.outcomes.size === 0) return table;
      if (isMixed && options.wholeTables) {
        await discardAll(storage, found.outcomes);
        return table;
      }
      recovered.set(tableKey(table.id), found);
      if (isSameMoment) return table;
      return withItsConsistency(table, { isAll, isMixed, resumption: options.resumption });
    }),
  );
  return { plan: { ...plan, tables }, recovered };
}

/** A complete table holds the earlier attempt's rows; one that is read further mixes two snapshots. */
function withItsConsistency(
  table: TablePlan,
  { isAll, isMixed, resumption }: { isAll: boolean; isMixed: boolean; resumption: Resumption },
): TablePlan {
  const consistency = isMixed ? 'none' : resumption.snapshot.consistency;
  const moment = isMixed ? undefined : resumption.momentOf(table.id);
  const snapshot = isAll ? { snapshot: resumption.snapshot } : {};
  return { ...table, ...snapshot, consistency, moment };
}

type Locate = (part: StagedPart, path: string) => ReturnType<Storage['locate']>;

interface PlacedSlice {
  readonly index: number;
  readonly outcome: SliceOutcome;
  /** With the final path of each. */
  readonly parts: readonly { readonly part: StagedPart; readonly path: string }[];
}

/** The staged slices, and where their files would be published if there were no others. */
function placedSlices(
  { directory, slices, sync }: TablePlan,
  outcomes: ReadonlyMap<number, SliceOutcome>,
  format: TableFormat,
): PlacedSlice[] {
  const staged = slices.flatMap((slice) => {
    const outcome = outcomes.get(slice.index);
    return outcome === undefined ? [] : [{ slice, outcome }];
  });
  const names = format.fileNames(
    staged.flatMap(({ slice, outcome }) => outcome.files.map(() => slice.directory ?? '')),
    sync?.number,
  );
  let next = 0;
  return staged.map(({ slice, outcome }) => ({
    index: slice.index,
    outcome,
    parts: outcome.files.map(({ part }) => ({ part, path: joinPath(directory, names[next++] ?? '') })),
  }));
}

/** Slices whose files all exist. Files can have their final names only if all slices were staged. */
async function locateAll(table: TablePlan, slices: readonly PlacedSlice[], locate: Locate): Promise<RecoveredSlices> {
  const wasAll = slices.length === table.slices.length;
  const published = new Set<StagedPart>();
  const kept = new Map<number, SliceOutcome>();
  await Promise.all(
    slices.map(async ({ index, outcome, parts }) => {
      const states = await Promise.all(parts.map(({ part, path }) => locate(part, path)));
      if (!states.every((state) => state === 'staged' || (state === 'published' && wasAll))) return;
      kept.set(index, outcome);
      parts.forEach(({ part }, at) => {
        if (states[at] === 'published') published.add(part);
      });
    }),
  );
  return { outcomes: kept, published };
}

/** Best effort: the rest is removed at the end of the run. */
async function discardAll(storage: Storage, outcomes: ReadonlyMap<number, SliceOutcome>): Promise<void> {
  const parts = [...outcomes.values()].flatMap(({ files }) => files.map(({ part }) => part));
  await Promise.allSettled(parts.map((part) => storage.discard(part)));
}
