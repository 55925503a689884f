import { LakeportError } from '../../errors.js';
import type { SourceTable, TableProblem } from '../../sources/source.js';
import type { ExportOptions } from '../model/options.js';
import { tableName } from '../../model/table.js';

/** Tables whose rows no snapshot can cover, if the run requires one. */
export function outsideSnapshot(
  tables: readonly SourceTable[],
  { consistency }: Pick<ExportOptions, 'consistency'>,
): TableProblem[] {
  if (consistency !== 'run') return [];
  return tables
    .filter(({ isForeign }) => isForeign === true)
    .map(({ id }) => ({
      id,
      error: new LakeportError({
        code: 'TABLE_OUTSIDE_SNAPSHOT',
        message: 'Its rows come from foreign tables, which are in no snapshot, but --consistency run requires one',
        hint: 'Leave it out with --exclude, or export it in a run without --consistency run.',
        context: { table: tableName(id), detail: '--consistency' },
      }),
    }));
}
