import { LakeportError } from '../errors.js';
import { type Dataset, datasetId, type QueryDataset } from '../model/dataset.js';
import { type TableId, tableName } from '../model/table.js';
import { fromClause, onOwnLines, type RowSet } from './row-set.js';

/**
 * Whether a user's SQL stays in its place. It stands in parentheses, so it must be one whole expression or SELECT: none
 * that closes the parentheses and goes on, and none of several statements. Both hold where the server takes it without the
 * parentheses as well as with them.
 */

/** The statements that a server must take, without running them, before a query is read from. */
export function queryProbes({ sql }: QueryDataset): { readonly bare: string; readonly nested: string } {
  return { bare: sql, nested: `SELECT * FROM ${onOwnLines(sql)} AS q` };
}

/**
 * The statements that a server must take, without running them, before rows are chosen by a condition.
 * @param rows without conditions
 */
export function conditionProbes(rows: RowSet, predicate: string): { readonly bare: string; readonly nested: string } {
  const select = `${rows.prefix}SELECT 1 AS one ${fromClause({ ...rows, conditions: [] })} WHERE`;
  return { bare: `${select}\n${predicate}\n`, nested: `${select} ${onOwnLines(predicate)}` };
}

/** What a refused query, or its result, lacks. */
export function badQuery(id: TableId, problem: string, cause?: unknown): LakeportError {
  return new LakeportError({
    code: 'QUERY_NOT_READABLE',
    message: `The query ${tableName(id)} cannot be read: ${problem}`,
    hint: 'It must be one SELECT without a semicolon at its end, and only read; each of its columns needs a name of its own (AS)',
    context: { table: tableName(id) },
    cause,
  });
}

export function badCondition(id: TableId, predicate: string, problem: string, cause?: unknown): LakeportError {
  return new LakeportError({
    code: 'CONDITION_NOT_USABLE',
    message: `Rows of ${tableName(id)} cannot be chosen by the condition ${JSON.stringify(predicate)}: ${problem}`,
    hint: "It must be one condition in the source's SQL, as after WHERE; --where names the tables that it is for",
    context: { table: tableName(id), detail: '--where' },
    cause,
  });
}

/** @throws LakeportError if a column of a query has no name, or not one of its own */
export function checkNames(id: TableId, names: readonly string[], isUnnamed: (name: string) => boolean): void {
  if (names.length === 0) throw badQuery(id, 'it has no columns');
  const unnamed = names.findIndex(isUnnamed);
  if (unnamed !== -1) throw badQuery(id, `its column ${unnamed + 1} has no name`);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw badQuery(id, `two of its columns have the name ${twice}`);
}

/** For a share of rows that the server can only draw from tables. */
export function noShareOf(dataset: Dataset, kind: string): LakeportError {
  const name = tableName(datasetId(dataset));
  return new LakeportError({
    code: 'DATASET_NOT_SUPPORTED',
    message: `No share of the rows of ${name} can be drawn, because it is a ${kind}`,
    hint: `Give a number of rows instead, such as --sample '${name}:1000'`,
    context: { table: name, detail: '--sample' },
  });
}
