import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { PreviousExport, TableFormat } from '../formats/table-format.js';
import { newerExport } from '../publish/newer-publisher.js';
import type { RunPlan, TablePlan } from '../model/plan.js';
import { tableName } from '../../model/table.js';

/** Tables checked concurrently. */
const CONCURRENCY = 16;

export interface NewerExportsOptions {
  readonly runId: string;
  /** When the resumed run started. */
  readonly startedAt: Date;
  readonly format: TableFormat;
  readonly storageOf: (id: string) => Storage;
}

/**
 * Keeps a run that was replaced by another one from coming back with older rows.
 * @throws LakeportError if another run has exported one of the tables to the same destination since this one started
 */
export async function refuseNewerExports(plan: RunPlan, options: NewerExportsOptions): Promise<void> {
  const limit = pLimit(CONCURRENCY);
  const found = await Promise.all(plan.tables.map((table) => limit(() => newerExportOf(table, options))));
  const first = plan.tables.findIndex((_, index) => found[index] !== undefined);
  const [table, newer] = [plan.tables[first], found[first]];
  if (table === undefined || newer === undefined) return;
  const count = found.filter((one) => one !== undefined).length;
  throw new LakeportError({
    code: 'NEWER_EXPORT',
    message: `Run ${newer.runId} has exported ${tableName(table.id)} to the same destination since this run started${furtherTables(count - 1)}: resuming would replace newer rows with older ones`,
    hint: 'Start a new run, without --resume.',
    context: { table: tableName(table.id), path: table.displayPath },
  });
}

function furtherTables(count: number): string {
  if (count === 0) return '';
  return `, and ${count === 1 ? '1 other table has a newer export' : `${count} other tables have newer exports`} there too`;
}

async function newerExportOf(
  { storageId, directory }: TablePlan,
  { runId, startedAt, format, storageOf }: NewerExportsOptions,
): Promise<PreviousExport | undefined> {
  return newerExport(await format.previous(directory, storageOf(storageId)), { runId, since: startedAt });
}
