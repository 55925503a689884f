import { datasetId } from '../../model/dataset.js';
import type { ColumnTotals, SeenAt, SourceChange, TableTotals } from '../column-totals.js';
import { fromClause } from '../row-set.js';
import type { ReadColumn, Snapshot, SourceDataset } from '../source.js';
import { connectMssql, type ConnectOptions, type MssqlSettings } from './connection/connection.js';
import type { MssqlClient } from './connection/client.js';
import { errorNumber, mssqlError } from './errors.js';
import { quoteTable } from './identifiers.js';
import { isIsolationRefused, isolationOf } from './connection/isolation.js';
import { maskParameters } from './columns/masks.js';
import { mssqlRows } from './partitioning/dialect.js';
import { unrepresentable } from './columns/unrepresentable-values.js';

/** Counts, bounds, sums and hashes of a table's columns, computed by the server; text is hashed in UTF-16, its own form. */

export interface TotalsRequest {
  readonly table: SourceDataset;
  readonly columns: readonly ReadColumn[];
  readonly snapshot: Snapshot | undefined;
  /** The server's name and version. */
  readonly product: string;
  readonly signal: AbortSignal;
}

/** Columns in one query: the server limits the length of a SELECT list, and a request's. */
const MOST_COLUMNS = 200;

/** On a connection of its own, in the readers' isolation level: each query sees one instant if the database keeps row versions. */
export async function readTotals(settings: MssqlSettings, request: TotalsRequest): Promise<TableTotals> {
  const { snapshot, signal, table } = request;
  const isolation = snapshot === undefined ? 'read committed' : isolationOf(snapshot);
  try {
    return await totalsIn(isolation, settings, request).catch((thrown: unknown) => {
      if (!isIsolationRefused(thrown, isolation) || signal.aborted) throw thrown;
      return totalsIn('read committed', settings, request);
    });
  } catch (thrown) {
    throw mssqlError(thrown, { entry: settings.entryId, table: datasetId(table.dataset) });
  }
}

async function totalsIn(
  isolation: ConnectOptions['isolation'],
  settings: MssqlSettings,
  { table, columns, product, signal }: TotalsRequest,
): Promise<TableTotals> {
  const client = await connectMssql(settings, { isolation, signal });
  const stop = () => void client.cancelAndClose();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const rows = mssqlRows(table.dataset);
    const totals: ColumnTotals[] = [];
    let count = 0;
    for (let at = 0; at === 0 || at < columns.length; at += MOST_COLUMNS) {
      const some = columns.slice(at, at + MOST_COLUMNS);
      const values = some.map(({ expression }, i) => `${expression} AS v${i}`);
      const aggregates = some.flatMap((column, i) => aggregatesOf(column, `v${i}`, product));
      const list = ['COUNT_BIG(*)', ...aggregates].map((one) => `CONVERT(varchar(200), ${one})`);
      const inner = values.length === 0 ? '1 AS one' : values.join(', ');
      const sql = `${rows.prefix}SELECT ${list.join(', ')} FROM (SELECT ${inner} ${fromClause(rows)}) AS totalled`;
      const [answer = []] = await client.query(sql, maskParameters(sql, settings.maskSalt));
      const texts = answer.map((value) => (typeof value === 'string' ? value : undefined));
      count = Number(texts[0] ?? 0);
      some.forEach((column, i) => {
        const found = texts.slice(1 + i * AGGREGATES, 1 + (i + 1) * AGGREGATES);
        totals.push(totalsOf(column, { rows: count, found, product }));
      });
    }
    return { rows: count, columns: totals };
  } finally {
    signal.removeEventListener('abort', stop);
    client.close();
  }
}

const AGGREGATES = 6;

function aggregatesOf(column: ReadColumn, value: string, product: string): string[] {
  const lacks = unrepresentable({ ...column, expression: value });
  const given = lacks === undefined ? value : `CASE WHEN ${lacks} THEN NULL ELSE ${value} END`;
  const totalled = totalledOf(column, given, product);
  const counts = [countOf(value), countOf(given)];
  if (totalled === undefined) return [...counts, 'NULL', 'NULL', 'NULL', 'NULL'];
  const { bytes, min = 'NULL', max = 'NULL', sum = 'NULL' } = totalled;
  const hash = `CONVERT(decimal(38,0), CONVERT(bigint, CONVERT(binary(8), HASHBYTES('SHA2_256', ${bytes}))))`;
  return [...counts, `SUM(${hash})`, min, max, sum];
}

/** Of what is not NULL. COUNT does not take `text`, `ntext` and `image`. */
function countOf(value: string): string {
  return `COUNT_BIG(CASE WHEN ${value} IS NULL THEN NULL ELSE 1 END)`;
}

function totalsOf(
  column: ReadColumn,
  {
    rows,
    found,
    product,
  }: { readonly rows: number; readonly found: readonly (string | undefined)[]; readonly product: string },
): ColumnTotals {
  const [own, held, hash = '0', min, max, sum] = found;
  const { kind } = column.decoder;
  return {
    nulls: rows - Number(held),
    ownNulls: rows - Number(own),
    // An unpaired surrogate, or a byte without a character.
    tellsUnrepresentable: kind !== 'nvarchar' && kind !== 'varchar',
    hash: totalledOf(column, '', product) === undefined ? undefined : BigInt.asUintN(64, BigInt(hash)),
    ...{ min, max, sum },
  };
}

/** What is computed of a column, in SQL. */
interface Totalled {
  /** What is hashed: `varbinary`, or digits in `varchar`. */
  readonly bytes: string;
  readonly min?: string;
  readonly max?: string;
  readonly sum?: string;
}

function totalledOf({ decoder, spec }: ReadColumn, value: string, product: string): Totalled | undefined {
  const { kind } = decoder;
  const isText = spec.type.logical?.kind === 'string' || spec.type.logical?.kind === 'json';
  switch (kind) {
    case 'bit':
      return whole(`CONVERT(int, ${value})`);
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return whole(value);
    case 'decimal':
      return decimal(value, { precision: Number(decoder['precision']), scale: Number(decoder['scale']) });
    case 'money':
      return decimal(value, { precision: 19, scale: 4 });
    case 'smallmoney':
      return decimal(value, { precision: 10, scale: 4 });
    case 'real':
      return { bytes: `CONVERT(binary(4), ${value})` };
    case 'float':
      return { bytes: `CONVERT(binary(8), ${value})` };
    case 'date':
      return moment(value, daysOf);
    case 'datetime':
      return moment(value, dateTimeMicros);
    case 'smalldatetime':
      return moment(value, (one) => `${DAY} * ${daysOf(one)} + ${ticks(`CONVERT(datetime2(0), ${one})`)} / 10`);
    case 'datetime2':
    case 'datetimeoffset':
      return moment(value, (one) => {
        const utc = kind === 'datetime2' ? one : `CONVERT(datetime2(7), SWITCHOFFSET(${one}, '+00:00'))`;
        return inUnit(`${DAY} * ${daysOf(utc)}`, ticks(utc), decoder['unit']);
      });
    case 'time':
      // As text, it is the reader's own.
      if (isText) return undefined;
      return moment(value, (one) => inUnit('0', ticks(one), decoder['unit']));
    case 'uniqueidentifier':
      return isText ? undefined : { bytes: `CONVERT(varbinary(16), REPLACE(CONVERT(char(36), ${value}), '-', ''), 2)` };
    case 'binary':
      return hashesLong(product) ? { bytes: `CONVERT(varbinary(max), ${value})` } : undefined;
    case 'nvarchar':
    case 'varchar':
      return hashesLong(product) ? { bytes: `CONVERT(varbinary(max), CONVERT(nvarchar(max), ${value}))` } : undefined;
    case 'null':
      return { bytes: 'CONVERT(varbinary(1), NULL)' };
    default:
      return undefined;
  }
}

/** Before 2016, HASHBYTES takes at most 8000 bytes. */
function hashesLong(product: string): boolean {
  return !/^SQL Server 201[24]\b/.test(product);
}

function whole(value: string): Totalled {
  return {
    bytes: `CONVERT(varchar(20), ${value})`,
    ...{ min: `MIN(${value})`, max: `MAX(${value})`, sum: `SUM(CONVERT(decimal(38,0), ${value}))` },
  };
}

/** Sums of more digits could be too large for the server. */
const MOST_SUMMED = 28;

function decimal(
  value: string,
  { precision, scale }: { readonly precision: number; readonly scale: number },
): Totalled {
  const number = `CONVERT(decimal(${precision},${scale}), ${value})`;
  return {
    bytes: `CONVERT(varchar(41), ${number})`,
    ...{ min: `MIN(${number})`, max: `MAX(${number})` },
    ...(precision <= MOST_SUMMED && { sum: `SUM(${number})` }),
  };
}

function moment(value: string, number: (value: string) => string): Totalled {
  return {
    bytes: `CONVERT(varchar(20), ${number(value)})`,
    ...{ min: number(`MIN(${value})`), max: number(`MAX(${value})`) },
  };
}

/** Microseconds of a day. */
const DAY = 'CONVERT(bigint, 86400000000)';

function daysOf(value: string): string {
  return `DATEDIFF(day, '19700101', ${value})`;
}

/** Hundreds of nanoseconds since midnight. */
function ticks(value: string): string {
  const part = (name: string) => `DATEPART(${name}, ${value})`;
  const seconds = `(${part('hour')} * 3600 + ${part('minute')} * 60 + ${part('second')})`;
  return `(CONVERT(bigint, ${seconds}) * 10000000 + ${part('nanosecond')} / 100)`;
}

/** A moment in the unit of its column: finer digits are cut off within the day, as readers do. */
function inUnit(days: string, time: string, unit: unknown): string {
  return unit === 'NANOS' ? `(${days}) * 1000 + ${time} * 100` : `${days} + ${time} / 10`;
}

/** Days since 1900-01-01, and 300ths of a second, each of which is a distinct microsecond. */
function dateTimeMicros(value: string): string {
  const part = (at: number) => `CONVERT(bigint, CONVERT(int, SUBSTRING(CONVERT(binary(8), ${value}), ${at}, 4)))`;
  return `${DAY} * (${part(1)} - 25567) + (${part(5)} * 10000 + 1) / 3`;
}

/** When the table was last written to, where this user may see that, and the server has not been restarted since. */
export async function readChange(
  client: MssqlClient,
  { table, seen }: { readonly table: SourceDataset; readonly seen: SeenAt },
): Promise<SourceChange> {
  const unknown = (reason: string): SourceChange => ({ kind: 'unknown', reason });
  if (table.kind === 'query' || table.kind === 'view')
    return unknown('SQL Server tells of tables only when they were written to');
  try {
    const [row] = await client.query(
      `SELECT CONVERT(varchar(33), DATEADD(minute, DATEDIFF(minute, GETDATE(), GETUTCDATE()), MAX(last_user_update)), 126),
         CONVERT(varchar(33), (SELECT DATEADD(minute, DATEDIFF(minute, GETDATE(), GETUTCDATE()), sqlserver_start_time) FROM sys.dm_os_sys_info), 126)
       FROM sys.dm_db_index_usage_stats WHERE database_id = DB_ID() AND object_id = OBJECT_ID(@table)`,
      { table: quoteTable(table.id) },
    );
    const [written, started] = row ?? [];
    const taken = new Date(seen.takenAt).getTime();
    if (typeof written === 'string' && new Date(`${written}Z`).getTime() > taken) {
      return { kind: 'changed', evidence: `it was last written to at ${written}Z` };
    }
    if (typeof started !== 'string' || new Date(`${started}Z`).getTime() > taken)
      return unknown('the server was restarted since');
    return { kind: 'unchanged', evidence: 'its indexes show no write since' };
  } catch (error) {
    if (errorNumber(error) === undefined) throw error;
    return unknown('this user may not see when tables were written to (VIEW SERVER STATE)');
  }
}
