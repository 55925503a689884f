import { LakeportError } from '../../../errors.js';
import type { Dataset, QueryDataset } from '../../../model/dataset.js';
import { badCondition, badQuery, checkNames, noShareOf } from '../../requested-rows.js';
import { fromClause } from '../../row-set.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient } from '../connection/client.js';
import type { Attribute } from '../columns/column-catalog.js';
import { errorNumber } from '../errors.js';
import { mssqlRows } from '../partitioning/dialect.js';
import { sqlTokens } from '../sql-text.js';
import { declaredTypeOf, displayWireType } from '../tds/wire-type.js';

/**
 * Checks of the SQL that a user gives. Several statements need nothing between them here, so the server alone cannot tell
 * whether a text that it takes stays within its parentheses: that is read from the text, and the rest asked of the server.
 */

const NOT_WHOLE = 'its parentheses, quotes or comments do not match';

/** The columns of a query's result, as the server declares them. @throws LakeportError if it is anything but one SELECT */
export async function readQueryAttributes(client: MssqlClient, dataset: QueryDataset): Promise<Attribute[]> {
  const { id, sql } = dataset;
  if (sqlTokens(sql) === undefined) throw badQuery(id, NOT_WHOLE);
  const rows = mssqlRows({ kind: 'query', id, sql });
  try {
    const columns = await client.describeColumns(`${rows.prefix}SELECT TOP (0) * ${fromClause(rows)}`);
    checkNames(
      id,
      columns.map(({ name }) => name),
      (name) => name === '',
    );
    return columns.map(({ name, nullable, type: wire }, index): Attribute => {
      const declared = declaredTypeOf(wire);
      if (declared === undefined) throw badQuery(id, `its column ${name} arrives as ${displayWireType(wire)}`);
      const { name: type, precision, scale, maxLength } = declared;
      return {
        name,
        number: index + 1,
        type,
        userType: undefined,
        isAssembly: false,
        maxLength,
        precision,
        scale,
        nullable,
      };
    });
  } catch (thrown) {
    throw isOfStatement(thrown) ? badQuery(id, thrown.message, thrown) : thrown;
  }
}

/** Refuses conditions and a sample that the server need not be asked about. @throws LakeportError */
export function refuseRows({ dataset, kind }: CatalogTable): void {
  const { predicates = [], sample, id } = dataset;
  const isTable = kind === 'table' || kind === 'partitioned table';
  if (sample !== undefined && 'percent' in sample && !isTable) throw noShareOf(dataset, kind);
  for (const predicate of predicates) {
    if (sqlTokens(predicate) === undefined) throw badCondition(id, predicate, NOT_WHOLE);
  }
}

/**
 * Asks the server for each condition of a dataset, whose SQL has been checked if it is a query.
 * @throws LakeportError if one cannot be used
 */
export async function checkConditions(client: MssqlClient, { dataset }: CatalogTable): Promise<void> {
  const { predicates = [], id } = dataset;
  for (const predicate of predicates) {
    const only: Dataset = { ...dataset, predicates: [predicate], sample: undefined };
    const rows = mssqlRows(only);
    try {
      await client.describe(`${rows.prefix}SELECT TOP (0) 1 AS one ${fromClause(rows)}`);
    } catch (thrown) {
      throw isOfStatement(thrown) ? badCondition(id, predicate, thrown.message, thrown) : thrown;
    }
  }
}

/** Permissions are another matter: their errors say which grant is missing. */
const DENIED = new Set([229, 230, 262, 297, 300, 916]);

function isOfStatement(thrown: unknown): thrown is Error {
  const number = errorNumber(thrown);
  return number !== undefined && !DENIED.has(number) && !(thrown instanceof LakeportError);
}
