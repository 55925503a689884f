import type { Dataset } from '../model/dataset.js';
import { conditionsOf, datasetId } from '../model/dataset.js';
import type { TableId } from '../model/table.js';

/**
 * The rows that a statement reads, in an engine's SQL: where they come from and what holds for them. Each engine makes one
 * from a dataset, and every statement about the dataset's rows (its slices, their bounds, its row count) is made of it.
 */
export interface RowSet {
  /** What precedes SELECT, such as a query's common table expressions; else empty. */
  readonly prefix: string;
  /** A FROM item: a table, or a query in parentheses. */
  readonly from: string;
  /** All hold for each row. Each is a term of its own, which AND can join to others. */
  readonly conditions: readonly string[];
  /** The order in which slices are read; irrelevant elsewhere. */
  readonly orderBy?: string | undefined;
  /** At most this many rows, whichever the source returns first. */
  readonly limit?: number | undefined;
}

export interface RowSetDialect {
  quoteName(name: string): string;
  quoteTable(table: TableId): string;
  /** How about a share of a table's rows is read: by what follows its name, or by a condition that some rows meet. */
  sample(percent: number): { readonly clause: string } | { readonly condition: string };
}

export interface RowSetOptions {
  /** A relation that holds some of the table's rows, such as a partition, to read instead of it. */
  readonly member?: TableId | undefined;
  /** What precedes the table's name, such as PostgreSQL's ONLY. */
  readonly modifier?: string | undefined;
}

/** The rows of a dataset. */
export function rowSetOf(dataset: Dataset, dialect: RowSetDialect, options: RowSetOptions = {}): RowSet {
  const { sample } = dataset;
  const conditions = conditionsOf(dataset);
  const { name } = datasetId(dataset);
  const alias = dialect.quoteName(name);
  const share = sample !== undefined && 'percent' in sample ? dialect.sample(sample.percent) : undefined;
  const rest: Pick<RowSet, 'prefix' | 'conditions' | 'limit'> = {
    prefix: '',
    conditions: [
      ...(share !== undefined && 'condition' in share ? [share.condition] : []),
      ...conditions.map((condition) => onOwnLines(condition)),
    ],
    ...(sample !== undefined && 'rows' in sample && { limit: sample.rows }),
  };
  if (dataset.kind === 'query') return { ...rest, from: `${onOwnLines(dataset.sql)} AS ${alias}` };
  const { member = dataset.id, modifier } = options;
  const from = [
    ...(modifier === undefined ? [] : [modifier]),
    dialect.quoteTable(member),
    // The user's conditions may name the table.
    ...(conditions.length === 0 || member.name === name ? [] : ['AS', alias]),
    ...(share !== undefined && 'clause' in share ? [share.clause] : []),
  ];
  return { ...rest, from: from.join(' ') };
}

/** In parentheses and on lines of its own: a comment at its end leaves what follows alone. */
export function onOwnLines(sql: string): string {
  return `(\n${sql}\n)`;
}

/** `FROM … [WHERE …]`, with one more condition, which must be a term that AND can join to others. */
export function fromClause({ from, conditions }: RowSet, condition?: string): string {
  const all = condition === undefined ? conditions : [...conditions, condition];
  return `FROM ${from}${all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`}`;
}

/** What to read of a row set. */
export interface Selection {
  /** Expressions of the SELECT list. */
  readonly list: string;
  /** Holds for these rows besides the set's own conditions. */
  readonly condition?: string | undefined;
  readonly orderBy?: string | undefined;
}

/** How the engine limits a SELECT to some rows: the text between `SELECT` and its list, and at the end. */
export type RowLimit = (rows: number) => { readonly before: string; readonly after: string };

/** The complete SELECT of some of the rows. */
export function selectRows(
  rows: RowSet,
  { list, condition, orderBy = rows.orderBy }: Selection,
  limit: RowLimit,
): string {
  const { before, after } = rows.limit === undefined ? NO_LIMIT : limit(rows.limit);
  const order = orderBy === undefined ? '' : ` ORDER BY ${orderBy}`;
  return `${rows.prefix}SELECT ${before}${list} ${fromClause(rows, condition)}${order}${after}`;
}

const NO_LIMIT = { before: '', after: '' };
