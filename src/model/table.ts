/** A table's name; a dataset that is no table has one too, see `datasetId`. */
export interface TableId {
  readonly schema: string;
  readonly name: string;
}

export type TableKind = 'table' | 'partitioned table' | 'view' | 'materialized view' | 'foreign table' | 'query';

/** `schema.table`, for people; a name in no schema stands alone. */
export function tableName(id: TableId): string {
  return id.schema === '' ? id.name : `${id.schema}.${id.name}`;
}

/** The same text for the same table, and no other's. */
export function tableKey(id: TableId): string {
  return JSON.stringify([id.schema, id.name]);
}
