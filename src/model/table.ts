/** A table's name; a dataset that is no table has one too, see `datasetId`. */
export interface TableId {
  readonly schema: string;
  readonly name: string;
}

export type TableKind = 'table' | 'partitioned table' | 'view' | 'materialized view' | 'foreign table' | 'query';

/** `schema.table`, or just the name without a schema; for messages and reports. */
export function tableName(id: TableId): string {
  return id.schema === '' ? id.name : `${id.schema}.${id.name}`;
}

/** A unique key for the table. */
export function tableKey(id: TableId): string {
  return JSON.stringify([id.schema, id.name]);
}
