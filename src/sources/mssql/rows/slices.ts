import { byKey } from '../../partitioning/by-key.js';
import { resolveKey } from '../../partitioning/key.js';
import { DB_PARTITION, isKeyMethod, methodNotSupported, physicalAs } from '../../partitioning/methods.js';
import { type Share, slicesOf, wholeTable } from '../../partitioning/predicate.js';
import { rangesByWidth } from '../../partitioning/ranges.js';
import { sliceCount } from '../../partitioning/slice-size.js';
import type { ReadColumn, Slice, SliceOptions, TableOverride } from '../../source.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient } from '../connection/client.js';
import { errorNumber } from '../errors.js';
import { ordered, sliceOrder, withSorting } from '../../slice-order.js';
import { MSSQL_ORDER } from './order.js';
import { quoteTable } from '../identifiers.js';
import { MSSQL_METHODS } from '../methods.js';
import { byPartition } from '../partitioning/by-partition.js';
import { byLocation, noLocations } from '../partitioning/by-physloc.js';
import { keyedTable, mssqlRows, TRANSACT_SQL } from '../partitioning/dialect.js';
import { readIndexKeys } from '../partitioning/indexes.js';

/** How tables are split into slices. */

/** The table's slices, which together cover every row exactly once. */
export async function sliceTable(
  client: MssqlClient,
  table: CatalogTable,
  columns: readonly ReadColumn[],
  options: SliceOptions,
): Promise<Slice[]> {
  const { override } = options;
  const degree = override?.degree ?? options.degree;
  const isChosen = override?.method !== undefined || override?.key !== undefined;
  const shares = isChosen
    ? await shareOutAs(client, table, columns, { ...override, degree })
    : await shareOut(client, table, columns, { ...options, degree });
  const order = sliceOrder(MSSQL_ORDER, columns, options.sortBy);
  const rows = ordered(mssqlRows(table.dataset), order);
  return withSorting(slicesOf({ rows, columns, dialect: TRANSACT_SQL }, shares), order);
}

/** The automatic choice of a method. */
async function shareOut(
  client: MssqlClient,
  table: CatalogTable,
  columns: readonly ReadColumn[],
  { degree, isDegreeAsked = false, largeTableThreshold, override }: SliceOptions,
): Promise<Share[]> {
  const { id, dataset, kind, estimatedRows } = table;
  const whole = [wholeTable(estimatedRows)];
  const isLarge = estimatedRows !== undefined && estimatedRows >= largeTableThreshold;
  // An explicit number of readers is honoured whatever the table's size.
  if (degree === 1 || kind === 'view' || kind === 'query' || dataset.sample !== undefined) return whole;
  if (!(isLarge || override?.degree !== undefined)) return whole;
  const indexes = await readIndexKeys(client, id);
  // Bounds would show the values of a masked key.
  const keys = columns.filter(({ spec }) => spec.mask === undefined);
  const kindOf = (name: string) => keys.find(({ spec }) => spec.name === name)?.decoder.kind ?? '';
  const ranges = async (column: string): Promise<Share[]> => {
    const keyed = keyedTable(client, table, columns);
    const count = sliceCount(table, degree);
    return rangesByWidth(keyed, await resolveKey(keyed, column), { count, readers: degree, estimatedRows });
  };

  const clustered = indexes.find((index) => index.isClustered && RANGE_KINDS.has(kindOf(index.column)));
  const byClusteredKey = clustered === undefined ? whole : await ranges(clustered.column);
  // There may be fewer keys than readers that were asked for.
  const wanted = isDegreeAsked || override?.degree !== undefined ? degree : 2;
  if (byClusteredKey.length >= wanted) return byClusteredKey;
  if (await hasLocations(client, table)) return byLocation({ count: degree, estimatedRows });
  const unique = indexes.find((index) => index.isUnique && INTEGER_KINDS.has(kindOf(index.column)));
  return unique === undefined ? byClusteredKey : ranges(unique.column);
}

const INTEGER_KINDS = new Set(['tinyint', 'smallint', 'int', 'bigint']);
const RANGE_KINDS = new Set([...INTEGER_KINDS, 'date', 'smalldatetime', 'datetime', 'datetime2', 'datetimeoffset']);

/** Follows the user's configuration: a method, or a key that implies one. */
async function shareOutAs(
  client: MssqlClient,
  table: CatalogTable,
  columns: readonly ReadColumn[],
  { method: asked, key, degree }: TableOverride & { readonly degree: number },
): Promise<Share[]> {
  const method = physicalAs(asked, 'Physloc');
  const { id, estimatedRows } = table;
  const { sample } = table.dataset;
  // Each query would draw its own.
  const isLimited = sample !== undefined && 'rows' in sample;
  if (method === 'None' || isLimited) return [wholeTable(estimatedRows)];
  if (method === 'Physloc') {
    if (!(await hasLocations(client, table))) throw noLocations(id);
    return byLocation({ count: degree, estimatedRows });
  }
  if (method === DB_PARTITION.name) return byPartition(client, table, columns);
  if (method !== undefined && !isKeyMethod(method))
    throw methodNotSupported({ product: 'SQL Server', method, methods: MSSQL_METHODS });
  const count = sliceCount(table, degree);
  return byKey(keyedTable(client, table, columns), { method, key, degree, count, estimatedRows });
}

/** Rows of views, memory-optimized tables and columnstores have no location; nor do those of other vendors' servers. */
async function hasLocations(client: MssqlClient, { id }: CatalogTable): Promise<boolean> {
  try {
    await client.query(`SELECT TOP (0) 1 FROM ${quoteTable(id)} WHERE %%physloc%% >= 0x0000000000000000`);
    return true;
  } catch (error) {
    if (errorNumber(error) === undefined) throw error;
    return false;
  }
}
