import type { TableId } from './table.js';

/** What is exported into one directory: a table, or the rows of a query that a user has given a name. Plain data. */
export type Dataset = TableDataset | QueryDataset;

export interface TableDataset extends DatasetPart {
  readonly kind: 'table';
  readonly id: TableId;
}

export interface QueryDataset extends DatasetPart {
  readonly kind: 'query';
  /** The name that it was given; its schema may be empty. */
  readonly id: TableId;
  /** One SELECT in the source's own SQL, without a semicolon at its end. */
  readonly sql: string;
}

interface DatasetPart {
  /** Those to export, in the source's own order; all where it is undefined. */
  readonly columns?: readonly string[] | undefined;
  /** Conditions in the source's own SQL, all of which rows must meet. */
  readonly predicates?: readonly string[] | undefined;
  /** The rows of this sync, of a table that is synced incrementally: another condition, made by the source. */
  readonly increment?: string | undefined;
  /** Some of the rows instead of all. */
  readonly sample?: Sample | undefined;
}

/** About a share of the rows, or at most this many, whichever the source returns first. */
export type Sample = { readonly percent: number } | { readonly rows: number };

/** The name by which plan, events, files, manifest and run log know a dataset: a table's own, or that given to a query. */
export function datasetId({ id }: Dataset): TableId {
  return id;
}

/** A whole table. */
export function wholeTable(id: TableId): TableDataset {
  return { kind: 'table', id };
}

/** Whether all rows of a table are asked for. */
export function hasAllRows(dataset: Dataset): boolean {
  return dataset.kind === 'table' && conditionsOf(dataset).length === 0 && dataset.sample === undefined;
}

/** All conditions that rows must meet, in the source's own SQL. */
export function conditionsOf({ predicates = [], increment }: Dataset): readonly string[] {
  return increment === undefined ? predicates : [...predicates, increment];
}

/** The same rows and columns of the same source. */
export function isSameDataset(a: Dataset, b: Dataset): boolean {
  return datasetKey(a) === datasetKey(b);
}

function datasetKey(dataset: Dataset): string {
  const { kind, id, columns = null, predicates = null, increment = null, sample = null } = dataset;
  const sql = kind === 'query' ? dataset.sql : null;
  return JSON.stringify([kind, id.schema, id.name, sql, columns, predicates, increment, sample]);
}
