import type { RecordedOverride } from '../../export/model/recorded-override.js';
import { partitionColumns } from './reads.js';
import { openDialect } from '../open-dialect.js';
import type { LogSchema } from '../model/rows.js';
import { settingsOf } from './table-overrides.js';
import type { RunLogTarget } from '../target.js';
import { logError } from '../errors/log-error.js';

/**
 * The user's own settings for tables of a database, from a log that need not be there, and in which nothing is written: for a
 * plan.
 * @throws LakeportError where the log database can't be read
 */
export async function readTableSettings(
  target: RunLogTarget,
  of: { readonly engine: string; readonly database: string; readonly envName: string | undefined },
): Promise<RecordedOverride[]> {
  const [{ Kysely }, dialect] = await Promise.all([import('kysely'), openDialect(target)]);
  if (dialect.exists?.() === false) return [];
  const db = new Kysely<LogSchema>({ dialect: dialect.kysely });
  try {
    const { rows } = await dialect.existing(['partition_columns']).execute(db);
    return rows.length === 0 ? [] : settingsOf(await partitionColumns(db), of);
  } catch (error) {
    throw logError(error, dialect);
  } finally {
    await db.destroy().catch(() => undefined);
  }
}
