import type { Parallelism } from '../export/model/options.js';
import { readersPerTable } from '../export/planning/reader-budget.js';

/** Slices are cut for so many readers, unless the user says how many there will be. */
const READERS = 32;

/** How many readers a plan counts on that workers have, on all machines together. */
export function fleetReaders(parallel: Parallelism): number {
  return parallel === 'auto' ? READERS : readersPerTable(parallel, READERS);
}
