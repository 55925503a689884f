import { methodNotSupported } from '../partition-methods.js';
import type { PartitionMethod, TableOverride, ReadColumn, Slice, SliceOptions } from '../source.js';
import type { CatalogTable } from './catalog.js';
import type { MssqlClient } from './client.js';
import { errorNumber } from './errors.js';
import { quoteTable } from './identifiers.js';
import { readIndexKeys } from './slicing/indexes.js';
import { requireKeyText, resolveKey } from './slicing/key.js';
import { byLocation, noLocations } from './slicing/by-physloc.js';
import { byPeriod, parseTimeKey } from './slicing/by-period.js';
import { rangesByCount, rangesByWidth } from './slicing/ranges.js';
import { byRemainder } from './slicing/by-modulo.js';
import { type Share, slicesOf, wholeTable } from './slicing/predicate.js';
import { byValue } from './slicing/by-value.js';

/** How tables are shared out among readers. */

const MIB = 1024 * 1024;
const SLICES_PER_READER = 4;
/** A slice becomes a file: so many rows that a file's row groups are worth having … */
const FEWEST_ROWS = 250_000;
/** … and so few bytes that no slice is long to read anew. */
const MOST_BYTES = 1024 * MIB;

/** The table's slices: together every row exactly once. */
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
  return slicesOf(table.id, columns, shares);
}

const METHODS: readonly PartitionMethod[] = [
  'None',
  'Physloc',
  'RangeId',
  'Random',
  'Ntile',
  'DataDriven',
  'Timepartition',
];

/** The automatic choice. */
async function shareOut(
  client: MssqlClient,
  table: CatalogTable,
  columns: readonly ReadColumn[],
  { degree, largeTableThreshold, override }: SliceOptions,
): Promise<Share[]> {
  const { id, kind, estimatedRows } = table;
  const whole = [wholeTable(estimatedRows)];
  const isLarge = estimatedRows !== undefined && estimatedRows >= largeTableThreshold;
  // Who asks for a number of readers gets them whatever the table's size.
  if (degree === 1 || kind === 'view' || !(isLarge || override?.degree !== undefined)) return whole;
  const indexes = await readIndexKeys(client, id);
  const kindOf = (name: string) => columns.find(({ spec }) => spec.name === name)?.decoder.kind ?? '';
  const ranges = async (column: string): Promise<Share[]> => {
    const key = await resolveKey(client, id, columns, column);
    return rangesByWidth(client, id, key, { count: sliceCount(table, degree), estimatedRows });
  };

  const clustered = indexes.find((index) => index.isClustered && RANGE_KINDS.has(kindOf(index.column)));
  const byClusteredKey = clustered === undefined ? whole : await ranges(clustered.column);
  if (byClusteredKey.length > 1) return byClusteredKey;
  if (await hasLocations(client, table)) return byLocation({ count: degree, estimatedRows });
  const unique = indexes.find((index) => index.isUnique && INTEGER_KINDS.has(kindOf(index.column)));
  return unique === undefined ? whole : ranges(unique.column);
}

const INTEGER_KINDS = new Set(['tinyint', 'smallint', 'int', 'bigint']);
const RANGE_KINDS = new Set([...INTEGER_KINDS, 'date', 'smalldatetime', 'datetime', 'datetime2', 'datetimeoffset']);

/** What the user's configuration asks for: a method, or a key that decides upon it. */
async function shareOutAs(
  client: MssqlClient,
  table: CatalogTable,
  columns: readonly ReadColumn[],
  { method, key, degree }: TableOverride & { readonly degree: number },
): Promise<Share[]> {
  const { id, estimatedRows } = table;
  const resolve = () => resolveKey(client, id, columns, requireKeyText(method, key));
  switch (method) {
    case undefined: {
      const found = await resolve();
      const ranges = found.type.scale === undefined ? rangesByCount : rangesByWidth;
      return ranges(client, id, found, { count: sliceCount(table, degree), estimatedRows });
    }
    case 'None':
      return [wholeTable(estimatedRows)];
    case 'Physloc':
      if (!(await hasLocations(client, table))) throw noLocations(id);
      return byLocation({ count: degree, estimatedRows });
    // Each of its slices reads the whole table.
    case 'Random':
      return byRemainder(await resolve(), { count: degree, estimatedRows });
    case 'RangeId':
      return rangesByWidth(client, id, await resolve(), { count: sliceCount(table, degree), estimatedRows });
    case 'Ntile':
      return rangesByCount(client, id, await resolve(), { count: sliceCount(table, degree), estimatedRows });
    case 'DataDriven':
      return byValue(client, id, await resolve());
    case 'Timepartition':
      return byPeriod(client, id, columns, parseTimeKey(requireKeyText(method, key)));
    case 'Ctid':
      throw methodNotSupported({ product: 'SQL Server', method, methods: METHODS });
  }
}

/** One for one reader; else about four a reader, of a size that is worth a file, and none of more than 1 GiB. */
export function sliceCount(
  { estimatedRows, estimatedBytes }: Pick<CatalogTable, 'estimatedRows' | 'estimatedBytes'>,
  degree: number,
): number {
  if (degree === 1) return 1;
  const wanted = degree * SLICES_PER_READER;
  const byRows = estimatedRows === undefined ? wanted : Math.max(degree, Math.floor(estimatedRows / FEWEST_ROWS));
  const byBytes = Math.ceil((estimatedBytes ?? 0) / MOST_BYTES);
  return Math.max(1, Math.min(wanted, byRows), byBytes);
}

/** Rows of views, of memory and of columnstores have no location; nor have other makers' servers. */
async function hasLocations(client: MssqlClient, { id }: CatalogTable): Promise<boolean> {
  try {
    await client.query(`SELECT TOP (0) 1 FROM ${quoteTable(id)} WHERE %%physloc%% >= 0x0000000000000000`);
    return true;
  } catch (error) {
    if (errorNumber(error) === undefined) throw error;
    return false;
  }
}
