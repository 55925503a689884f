import { isNameOfEngine } from '../../engines.js';
import type { RecordedOverride } from '../../export/model/recorded-override.js';
import type { PartitionColumnsRow } from '../model/rows.js';

/**
 * The rows that speak of this database in this environment, those that name a schema first. Without an environment, only
 * rows without one count.
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

/** Fields that are empty or blank say nothing. */
function given(text: string | null): string | undefined {
  return text === null || text.trim() === '' ? undefined : text;
}
