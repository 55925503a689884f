import type { Parallelism } from '../model/options.js';

/** Maximum numbers of readers, each with its own connection. */
export interface ReaderBudget {
  /** Maximum concurrent readers of one table. */
  readonly perTable: number;
  /** Whether the user asked for `perTable` readers, and it is not just a limit. */
  readonly isAsked: boolean;
  /** Maximum readers in total. */
  readonly total: number;
}

/** @param options.cores processors available to this process */
export function readerBudget(options: {
  readonly parallel: Parallelism;
  readonly jobs: number;
  readonly cores: number;
}): ReaderBudget {
  const { parallel, jobs, cores } = options;
  if (parallel === 'auto') return { perTable: cores, isAsked: false, total: cores };
  const perTable = readersPerTable(parallel, cores);
  return { perTable, isAsked: true, total: jobs * perTable };
}

/** 0 means all cores; -N means cores divided by N, but at least one. */
export function readersPerTable(parallel: number, cores: number): number {
  if (parallel > 0) return parallel;
  return parallel === 0 ? cores : Math.max(1, Math.floor(cores / -parallel));
}

/** How many readers of the budget can be busy at once, given the degree of each table. */
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
