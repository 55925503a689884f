import { isNameOfEngine } from '../../engines.js';
import type { RecordedOverride } from '../../export/model/recorded-override.js';
import { logError } from '../errors.js';
import type { LogSchema, PartitionColumnsRow } from '../model/rows.js';
import { openDialect } from '../open-dialect.js';
import type { RunLogTarget } from '../target.js';
import { partitionColumns } from './reads.js';

/**
 * Users' own settings for tables of a database, for a plan. The log need not exist, and is not written.
 * @throws LakeportError if the log database cannot be read
 */
export async function readTableSettings(
  target: RunLogTarget,
  of: { readonly engine: string; readonly database: string; readonly envName: string | undefined },
): Promise<RecordedOverride[]> {
  const { Kysely } = await import('kysely');
  const dialect = await openDialect(target);
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

/**
 * The overrides for this database and environment, those with a schema first. Without an environment, only rows without one
 * apply.
 */
export function settingsOf(
  rows: readonly PartitionColumnsRow[],
  of: { readonly engine: string; readonly database: string; readonly envName: string | undefined },
): RecordedOverride[] {
  return rows
    .filter((row) => (given(row.env_name) ?? '') === (of.envName ?? ''))
    .filter((row) => isEngine(row.source_db_type, of.engine))
    .filter((row) => (given(row.source_database) ?? of.database) === of.database)
    .flatMap((row) => {
      const table = given(row.source_table);
      return table === undefined ? [] : [settings(row, table)];
    })
    .sort((a, b) => Number(a.schema === undefined) - Number(b.schema === undefined));
}

function settings(row: PartitionColumnsRow, table: string): RecordedOverride {
  const degree = row.fastbcp_parallel_degree;
  return {
    schema: given(row.source_schema),
    table,
    method: given(row.fastbcp_method)?.trim(),
    degree: degree ?? undefined,
    key: given(row.fastbcp_distribution_key),
  };
}

function isEngine(name: string | null, engine: string): boolean {
  const text = given(name);
  return text === undefined || isNameOfEngine(text, engine);
}

/** An empty or blank field counts as NULL. */
function given(text: string | null): string | undefined {
  return text === null || text.trim() === '' ? undefined : text;
}
