import { LakeportError } from '../../errors.js';
import { type OptIn, optInFlag } from '../../sources/opt-ins.js';
import type { SourceTable, TableProblem } from '../../sources/source.js';
import type { ExportOptions } from '../model/options.js';
import { tableName } from '../../model/table.js';
import type { LeftOutTable } from '../model/plan.js';

export interface OptInChoice {
  readonly tables: readonly SourceTable[];
  readonly leftOut: readonly LeftOutTable[];
  /** Tables that would be exported incompletely. */
  readonly problems: readonly TableProblem[];
}

/** Splits tables by whether their kind was requested. */
export function chooseOptIns(tables: readonly SourceTable[], { optIns }: Pick<ExportOptions, 'optIns'>): OptInChoice {
  const chosen: SourceTable[] = [];
  const leftOut: LeftOutTable[] = [];
  const problems: TableProblem[] = [];
  for (const table of tables) {
    const missing = missingOptIns(table, optIns);
    if (missing.length === 0) chosen.push(table);
    else if (isIncomplete(table, missing)) problems.push({ id: table.id, error: incomplete(table) });
    else leftOut.push({ table, missing });
  }
  return { tables: chosen, leftOut, problems };
}

/** Why a table is left out, and the flags that include it: `public.v is a view (exported with --include-views)`. */
export function whyLeftOut({ table, missing }: LeftOutTable): string {
  const flags = missing.map((optIn) => `--${optInFlag(optIn)}`);
  return `${tableName(table.id)} is ${whatIs(table)} (exported with ${flags.join(' and ')})`;
}

export function isLeftOut(table: SourceTable, { optIns }: Pick<ExportOptions, 'optIns'>): boolean {
  const missing = missingOptIns(table, optIns);
  return missing.length > 0 && !isIncomplete(table, missing);
}

/** @param optIns the requested kinds */
function missingOptIns(table: SourceTable, optIns: readonly OptIn[]): OptIn[] {
  return table.optIns?.filter((optIn) => !optIns.includes(optIn)) ?? [];
}

/** A requested table or view that includes rows of foreign tables, which were not requested. */
function isIncomplete({ kind }: SourceTable, missing: readonly OptIn[]): boolean {
  return kind !== 'foreign table' && missing.every((optIn) => optIn === 'foreign_tables');
}

function whatIs({ kind, optIns = [], isForeign }: SourceTable): string {
  const ofExtension = optIns.includes('extension_tables') ? ' of an extension' : '';
  const overForeign = isForeign === true && kind !== 'foreign table' ? ' with rows of foreign tables' : '';
  return `a ${kind}${ofExtension}${overForeign}`;
}

function incomplete({ id, kind }: SourceTable): LakeportError {
  return new LakeportError({
    code: 'FOREIGN_TABLES_NOT_INCLUDED',
    message: `Rows of this ${kind} are in foreign tables, which are exported only on request`,
    hint: 'Pass --include-foreign-tables, or leave it out with --exclude.',
    context: { table: tableName(id), detail: '--include-foreign-tables' },
  });
}
