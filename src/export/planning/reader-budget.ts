import type { Parallelism } from '../model/options.js';

/** How many readers, and so connections, a run may have. */
export interface ReaderBudget {
  /** Readers on one table at the same time, at most. */
  readonly perTable: number;
  /** Readers in all, at most. */
  readonly total: number;
}

/** @param options.cores processors that this process may use */
export function readerBudget(options: {
  readonly parallel: Parallelism;
  readonly jobs: number;
  readonly cores: number;
}): ReaderBudget {
  const { parallel, jobs, cores } = options;
  if (parallel === 'auto') return { perTable: cores, total: cores };
  const perTable = readersPerTable(parallel, cores);
  return { perTable, total: jobs * perTable };
}

/** 0 means all cores, a negative number that share of them, and at least one. */
export function readersPerTable(parallel: number, cores: number): number {
  if (parallel > 0) return parallel;
  return parallel === 0 ? cores : Math.max(1, Math.floor(cores / -parallel));
}

/** How many readers of the budget can ever be busy at once, given the degree of each table. */
export function usefulReaders(
  degrees: readonly number[],
  limits: { readonly jobs: number; readonly total: number },
): number {
  const busiest = degrees.toSorted((a, b) => b - a).slice(0, limits.jobs);
  return Math.min(
    limits.total,
    busiest.reduce((sum, degree) => sum + degree, 0),
  );
}
