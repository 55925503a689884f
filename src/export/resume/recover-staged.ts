import pLimit from 'p-limit';

import { joinPath } from '../../storage/path.js';
import type { StagedPart, Storage } from '../../storage/storage.js';
import type { RunPlan, TablePlan } from '../model/plan.js';
import { partName } from '../model/part-names.js';
import type { Resumption } from './resumption.js';
import type { RecoveredSlices } from '../model/recovered-slices.js';
import { tableKey } from '../../model/table.js';
import type { SliceOutcome } from '../model/slice-outcome.js';

/** Parts that the stores are asked about at the same time. */
const CONCURRENCY = 16;

export interface RecoveredTables {
  /** With the consistency that the tables will have. */
  readonly plan: RunPlan;
  /** What need not be read again, by the tables' keys. */
  readonly recovered: ReadonlyMap<string, RecoveredSlices>;
}

export interface RecoverOptions {
  readonly resumption: Resumption;
  /** No table may hold rows of two moments: one that would is read as a whole. */
  readonly wholeTables: boolean;
  readonly storageOf: (id: string) => Storage;
}

/** Looks which of the parts are still there that an earlier attempt of the run has staged. */
export async function recoverStagedFiles(plan: RunPlan, options: RecoverOptions): Promise<RecoveredTables> {
  const limit = pLimit(CONCURRENCY);
  const recovered = new Map<string, RecoveredSlices>();
  const tables = await Promise.all(
    plan.tables.map(async (table) => {
      const left = options.resumption.unfinishedTable(table.id);
      // What was read in one piece is no part of a table that is read in several now.
      const isOther = left.slices === undefined && table.slices.length !== 1;
      if (left.outcomes.size === 0 || isOther) return table;
      const storage = options.storageOf(table.storageId);
      const found = await locateAll(table, left.outcomes, (part, path) => limit(() => storage.locate(part, path)));
      const isAll = found.outcomes.size === table.slices.length;
      const isMixed = left.isMixed || !isAll;
      if (found.outcomes.size === 0) return table;
      if (isMixed && options.wholeTables) {
        await discardAll(storage, found.outcomes);
        return table;
      }
      recovered.set(tableKey(table.id), found);
      return withItsConsistency(table, { isAll, isMixed, resumption: options.resumption });
    }),
  );
  return { plan: { ...plan, tables }, recovered };
}

/** A table of which all is there holds the earlier attempt's rows; one that is read further those of two moments. */
function withItsConsistency(
  table: TablePlan,
  { isAll, isMixed, resumption }: { isAll: boolean; isMixed: boolean; resumption: Resumption },
): TablePlan {
  const consistency = isMixed ? 'none' : resumption.snapshot.consistency;
  return isAll ? { ...table, snapshot: resumption.snapshot, consistency } : { ...table, consistency };
}

type Locate = (part: StagedPart, path: string) => ReturnType<Storage['locate']>;

/** Slices all of whose parts are there. Parts have their final names only where all slices were staged. */
async function locateAll(
  table: TablePlan,
  outcomes: ReadonlyMap<number, SliceOutcome>,
  locate: Locate,
): Promise<RecoveredSlices> {
  const wasAll = table.slices.every(({ index }) => outcomes.has(index));
  const published = new Set<StagedPart>();
  const kept = new Map<number, SliceOutcome>();
  let number = 0;
  const slices = table.slices.flatMap(({ index, directory = '' }) => {
    const outcome = outcomes.get(index);
    if (outcome === undefined) return [];
    const parts = outcome.files.map(({ part }) => ({
      part,
      path: joinPath(table.directory, joinPath(directory, partName(number++))),
    }));
    return [{ index, outcome, parts }];
  });
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

/** What can't be removed now goes with the run's end. */
async function discardAll(storage: Storage, outcomes: ReadonlyMap<number, SliceOutcome>): Promise<void> {
  const parts = [...outcomes.values()].flatMap(({ files }) => files.map(({ part }) => part));
  await Promise.allSettled(parts.map((part) => storage.discard(part)));
}
