import { didYouMean } from '../../text/did-you-mean.js';
import { type TableId, tableName } from '../../model/table.js';
import { literalText } from './like-pattern.js';
import type { SourceTable } from '../../sources/source.js';

/** Suggestions for patterns that match nothing. */

type Named = Pick<SourceTable, 'id'>;

export function nearestTable<Table extends Named>(pattern: string, tables: readonly Table[]): Table | undefined {
  const sought = literalText(pattern);
  // Among tables of the same name, the first schema wins.
  const byName = new Map(
    tables.toReversed().map((table) => [sought.includes('.') ? tableName(table.id) : table.id.name, table]),
  );
  const near = didYouMean(sought, byName.keys());
  return near === undefined ? undefined : byName.get(near);
}

/** Tables of the schemas whose names are nearest to the patterns. */
export function nearestSchemas<Table extends Named>(patterns: readonly string[], tables: readonly Table[]): Table[] {
  const schemas = new Set(tables.map(({ id }) => id.schema));
  const near = new Set(patterns.map((pattern) => didYouMean(literalText(pattern), schemas)));
  return tables.filter(({ id }) => near.has(id.schema));
}

/** A suggestion to end the sentence about a missing table; empty if no name is near. */
export function suggestedTable(pattern: string, tables: readonly { readonly id: TableId }[]): string {
  const near = nearestTable(pattern, tables);
  return near === undefined ? '' : `; the nearest existing table is ${tableName(near.id)}`;
}
