import type { Dataset, QueryDataset } from '../../model/dataset.js';
import type { TableKind } from '../../model/table.js';
import { badCondition, badQuery, checkNames, conditionProbes, noShareOf, queryProbes } from '../requested-rows.js';
import type { CatalogColumn } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { resultCode } from './errors.js';
import { sqliteRows } from './rows.js';

/** Checks of the SQL that a user gives, by statements that are prepared and not run. */

/**
 * The columns of a query's result.
 * @throws LakeportError if it is anything but one SELECT
 */
export function listQueryColumns({ database }: SqliteConnection, dataset: QueryDataset): CatalogColumn[] {
  const { id } = dataset;
  const { bare, nested } = queryProbes(dataset);
  try {
    // What follows the first statement is not looked at here, and no statement ends within parentheses.
    const columns = database.prepare(bare).columns();
    if (columns.length === 0) throw badQuery(id, 'it is a statement that returns no rows');
    checkNames(
      id,
      columns.map(({ name }) => name),
      (name) => name === '',
    );
    database.prepare(nested);
    return columns.map(({ name, type }) => ({
      name,
      declared: type ?? '',
      notNull: false,
      isVirtual: false,
      isRowid: false,
      hasDefault: false,
    }));
  } catch (thrown) {
    throw isOfStatement(thrown) ? badQuery(id, thrown.message, thrown) : thrown;
  }
}

/**
 * Checks the conditions and the sample of a dataset, whose SQL has been checked if it is a query.
 * @throws LakeportError if one cannot be used
 */
export function checkRows({ database }: SqliteConnection, dataset: Dataset, kind: TableKind): void {
  const { predicates = [], sample, id } = dataset;
  if (sample !== undefined && 'percent' in sample && kind === 'query') throw noShareOf(dataset, kind);
  for (const predicate of predicates) {
    const { bare, nested } = conditionProbes(sqliteRows(dataset), predicate);
    try {
      database.prepare(bare);
      database.prepare(nested);
    } catch (thrown) {
      throw isOfStatement(thrown) ? badCondition(id, predicate, thrown.message, thrown) : thrown;
    }
  }
}

const SQLITE_ERROR = 1;

function isOfStatement(thrown: unknown): thrown is Error {
  return resultCode(thrown) === SQLITE_ERROR;
}
