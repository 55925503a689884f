import type { SliceTask } from '../export/worker/protocol.js';
import { datasetId } from '../model/dataset.js';
import { tableName } from '../model/table.js';
import { counted } from '../text/quantities.js';

export function tableOf({ dataset }: SliceTask): string {
  return tableName(datasetId(dataset));
}

/** `public.a`, `public.a, slice 2`, `public.a and 12 other slices`. @param all with the first */
export function nameOfTasks(first: SliceTask, all: readonly SliceTask[]): string {
  const table = tableOf(first);
  const name = first.isOnlySlice ? table : `${table}, slice ${first.slice.index}`;
  if (all.length <= 1) return name;
  const noun = all.every(({ isOnlySlice }) => isOnlySlice) ? 'other table' : 'other slice';
  return `${name} and ${counted(all.length - 1, noun)}`;
}
