import type { Consistency } from '../../sources/source.js';

/** The consistency of one table's files: a snapshot per table covers a single read, not several slices. */
export function tableConsistency(snapshot: Consistency, slices: number): Consistency {
  return snapshot === 'table' && slices > 1 ? 'none' : snapshot;
}

/** The consistency that remains if the tables of a run come from different snapshots. */
export function perTableAtBest(consistency: Consistency): Consistency {
  return consistency === 'run' ? 'table' : consistency;
}

/** The weakest consistency among the run and its tables. */
export function leastConsistency(run: Consistency, tables: readonly (Consistency | undefined)[]): Consistency {
  if (run === 'none' || tables.includes('none')) return 'none';
  return tables.includes('table') ? 'table' : run;
}
