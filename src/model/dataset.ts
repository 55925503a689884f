import type { TableId } from './table.js';

/** What is exported into one directory: a table, or the rows of a query that a user has given a name. Plain data. */
export type Dataset = TableDataset | QueryDataset;

export interface TableDataset extends DatasetPart {
  readonly kind: 'table';
  readonly id: TableId;
}

interface QueryDataset extends DatasetPart {
  readonly kind: 'query';
  readonly name: string;
  /** One SELECT in the source's own SQL, without a semicolon at its end. */
  readonly sql: string;
}

interface DatasetPart {
  /** Those to export, in the source's own order; all where it is undefined. */
  readonly columns?: readonly string[] | undefined;
  /** A condition in the source's own SQL that rows must meet. */
  readonly predicate?: string | undefined;
}

/**
 * The name by which plan, events, files, manifest and run log know a dataset: a table's own, or that of a query, which is
 * in no schema. No table has an empty schema, so the two are never mistaken for each other.
 */
export function datasetId(dataset: Dataset): TableId {
  return dataset.kind === 'table' ? dataset.id : { schema: '', name: dataset.name };
}

/** A whole table. */
export function wholeTable(id: TableId): TableDataset {
  return { kind: 'table', id };
}

/** The same rows and columns of the same source. */
export function isSameDataset(a: Dataset, b: Dataset): boolean {
  return datasetKey(a) === datasetKey(b);
}

function datasetKey(dataset: Dataset): string {
  const { columns = null, predicate = null } = dataset;
  const of = dataset.kind === 'table' ? [dataset.id.schema, dataset.id.name] : [dataset.name, dataset.sql];
  return JSON.stringify([dataset.kind, of, columns, predicate]);
}
