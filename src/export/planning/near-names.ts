import { didYouMean } from '../../text/did-you-mean.js';
import { type TableId, tableName } from '../../model/table.js';
import type { SourceTable } from '../../sources/source.js';

/** Tables and schemas that a pattern which matches nothing was most likely meant for. */

type Named = Pick<SourceTable, 'id'>;

export function nearestTable<Table extends Named>(pattern: string, tables: readonly Table[]): Table | undefined {
  const sought = literal(pattern);
  // Of several schemas' tables of one name, the first.
  const byName = new Map(
    tables.toReversed().map((table) => [sought.includes('.') ? tableName(table.id) : table.id.name, table]),
  );
  const near = didYouMean(sought, byName.keys());
  return near === undefined ? undefined : byName.get(near);
}

/** Tables of the schemas that the patterns most likely meant. */
export function nearestSchemas<Table extends Named>(patterns: readonly string[], tables: readonly Table[]): Table[] {
  const schemas = new Set(tables.map(({ id }) => id.schema));
  const near = new Set(patterns.map((pattern) => didYouMean(literal(pattern), schemas)));
  return tables.filter(({ id }) => near.has(id.schema));
}

/** The end of a sentence that says that there is no such table; empty where none is near. */
export function suggestedTable(pattern: string, tables: readonly { readonly id: TableId }[]): string {
  const near = nearestTable(pattern, tables);
  return near === undefined ? '' : `; the nearest existing table is ${tableName(near.id)}`;
}

/** The pattern as the name that it may have been meant as. */
function literal(pattern: string): string {
  return pattern.replace(/[%\\]/g, '');
}
