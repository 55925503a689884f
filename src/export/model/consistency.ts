import type { Consistency } from '../../sources/source.js';

/** What the files of one table hold: where a snapshot is a table's own, it is that of one read, not of several. */
export function tableConsistency(snapshot: Consistency, slices: number): Consistency {
  return snapshot === 'table' && slices > 1 ? 'none' : snapshot;
}

/** What is left of it where not all tables of a run are of one moment. */
export function perTableAtBest(consistency: Consistency): Consistency {
  return consistency === 'run' ? 'table' : consistency;
}

/** What holds for every table of the run, given what each says of itself. */
export function leastConsistency(run: Consistency, tables: readonly (Consistency | undefined)[]): Consistency {
  if (run === 'none' || tables.includes('none')) return 'none';
  return tables.includes('table') ? 'table' : run;
}
