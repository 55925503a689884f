import type { TableId } from '../sources/source.js';

/** `schema.table`, for people. */
export function tableName(id: TableId): string {
  return `${id.schema}.${id.name}`;
}
