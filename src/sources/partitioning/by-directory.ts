import { LakeportError } from '../../errors.js';
import { fromClause } from '../row-set.js';
import type { PartitionMethod } from '../source.js';
import { type DirectoryKey, freeNames } from './directory-keys.js';
import { type DirectoryLevel, isReadBack } from './hive-path.js';
import { requireKey } from './key.js';
import { checkDay, type KeyType } from './key-type.js';
import { directoryValues, endOf, startOf } from './periods.js';
import { compare, type Share } from './predicate.js';
import type { KeyedTable, SqlDialect } from './sql-dialect.js';

/** Each directory costs a query and at least one file. */
const MOST_DIRECTORIES = 10_000;
/** Days and values that the server may answer before they are put together by periods. */
const MOST_GROUPS = 2_000_000;

/** Groups rows by a key, and says what is true of a group. */
interface Grouping {
  /** What rows are grouped by, in SQL. */
  readonly sql: string;
  /** A group as the server shows it, in SQL. */
  readonly shown: (group: string) => string;
  /** The group's text; undefined for NULL. Several answers may be one group. */
  readonly groupOf: (answer: unknown) => string | undefined;
  readonly where: (group: string | undefined) => string;
  readonly bounds: (group: string | undefined) => string;
  readonly levels: (group: string | undefined) => readonly DirectoryLevel[];
}

/** `DataDriven` and `Timepartition`: one slice per combination of values and periods that has rows, in a directory of its own. */
export async function byDirectory(
  table: KeyedTable,
  keys: readonly DirectoryKey[],
  method: PartitionMethod,
): Promise<Share[]> {
  const { dialect } = table;
  const groupingOf = (one: DirectoryKey) => (one.period === undefined ? byValue(one, dialect) : byPeriod(one, dialect));
  const wanted = keys.map(groupingOf);
  const groups = await readGroups(
    table,
    wanted,
    keys.every(({ period }) => period === undefined),
  );
  const isNamed = (index: number) =>
    groups.every(({ values }) => wanted[index]?.levels(values[index]).every(isReadBack) === true);
  const kept = keys.filter(({ replaces }, index) => replaces !== undefined && !isNamed(index));
  const settled = keys.map((key) => (kept.includes(key) ? besideColumn(key, table) : key));
  const groupings = settled.map(groupingOf);
  const isOnePeriod = keys.length === 1 && keys[0]?.period !== undefined;
  if (groups.length > MOST_DIRECTORIES && !isOnePeriod) throw tooManyValues(keys);
  const replaces = settled.flatMap((key) => key.replaces ?? []);
  const keeps = kept.flatMap((key) => key.replaces ?? []);
  const tableRows = groups.reduce((sum, { rows }) => sum + rows, 0);
  // A table without rows has the columns that it would have with them.
  const shown = groups.length === 0 ? [{ values: keys.map(() => undefined), rows: 0 }] : groups;
  return shown.map(({ values, rows }) => {
    const each = <T>(of: (grouping: Grouping, value: string | undefined) => T) =>
      groupings.map((grouping, index) => of(grouping, values[index]));
    return {
      method,
      bounds: each(({ bounds }, value) => bounds(value)).join(' and '),
      where: each(({ where }, value) => where(value)).join(' AND '),
      estimatedRows: rows,
      levels: each(({ levels }, value) => levels(value)).flat(),
      ...(replaces.length > 0 && { replaces }),
      ...(keeps.length > 0 && { keeps }),
      tableRows,
    };
  });
}

/** Files keep the column where some of its values cannot be read back from the name of a directory. */
function besideColumn(key: DirectoryKey, { columns }: KeyedTable): DirectoryKey {
  return { ...key, replaces: undefined, names: freeNames(key.names, columns) };
}

interface Group {
  readonly values: readonly (string | undefined)[];
  readonly rows: number;
}

/** @param isOrdered the server puts the groups in order, and no two of its answers are one group */
async function readGroups(table: KeyedTable, groupings: readonly Grouping[], isOrdered: boolean): Promise<Group[]> {
  const { dialect } = table;
  const names = groupings.map((_, index) => `k${index}`);
  const list = (of: (name: string, grouping: Grouping) => string) =>
    names.map((name, index) => (groupings[index] === undefined ? '' : of(name, groupings[index]))).join(', ');
  const { before, after } = dialect.limit((isOrdered ? MOST_DIRECTORIES : MOST_GROUPS) + 1);
  const order = isOrdered ? ` ORDER BY ${list((name) => `slice_groups.${name}`)}` : '';
  const rows = await table.query(`
    SELECT ${before}${list((name, { shown }) => shown(`slice_groups.${name}`))}, ${dialect.toNumber('slice_groups.n')} FROM (
      SELECT ${list((name) => `slice_keys.${name} AS ${name}`)}, ${dialect.count} AS n FROM (
        SELECT ${list((name, { sql }) => `${sql} AS ${name}`)} ${fromClause(table.rows)}
      ) AS slice_keys GROUP BY ${list((name) => `slice_keys.${name}`)}
    ) AS slice_groups${order}${after}`);
  if (rows.length > MOST_GROUPS) throw tooManyGroups();
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const values = groupings.map(({ groupOf }, index) => groupOf(row[index]));
    const id = JSON.stringify(values.map((value) => value ?? null));
    groups.set(id, { values, rows: (groups.get(id)?.rows ?? 0) + Number(row[groupings.length]) });
  }
  return isOrdered ? [...groups.values()] : [...groups.values()].sort(compareGroups);
}

/** NULL comes last. */
function compareGroups({ values: a }: Group, { values: b }: Group): number {
  for (const [index, value] of a.entries()) {
    const other = b[index];
    if (value === other) continue;
    if (value === undefined || other === undefined) return value === undefined ? 1 : -1;
    return value < other ? -1 : 1;
  }
  return 0;
}

function byValue({ key, names: [directory = ''] }: DirectoryKey, dialect: SqlDialect): Grouping {
  const { sql, name, type } = key;
  const { nameOf = (text: string) => text } = type;
  return {
    sql,
    shown: type.value,
    groupOf: type.textOf,
    where: (text) => (text === undefined ? `${sql} IS NULL` : compare(dialect, sql, '=', type.literal(text))),
    bounds: (text) => (text === undefined ? `${name} is NULL` : `${name} = ${text}`),
    levels: (text) => [{ name: directory, value: text === undefined ? null : nameOf(text) }],
  };
}

function byPeriod({ key, period, names }: DirectoryKey, dialect: SqlDialect): Grouping {
  const { sql, name, type } = key;
  const { calendar } = type;
  requireKey(key, 'Timepartition', calendar !== undefined, 'a date or a timestamp');
  if (calendar === undefined || period === undefined) throw new TypeError('Not a period of a date');
  const { outside } = calendar;
  const end = (start: string) => endOf(start, period, calendar.lastDay);
  return {
    // Days whatever the period: there are never many, and the server needs no notion of weeks. Only the distinct days are
    // converted to text, not every row.
    sql: calendar.day(sql),
    shown: (day) => dialect.dayText(day),
    groupOf: (day) => (typeof day === 'string' ? startOf(checkDay(day), period) : undefined),
    where: (start) => {
      if (start === undefined) {
        return outside === undefined ? `${sql} IS NULL` : `(${sql} IS NULL OR ${outside.condition(sql)})`;
      }
      const before = end(start) ?? outside?.end;
      const from = compare(dialect, sql, '>=', literalOf(type, start));
      return before === undefined ? from : `${from} AND ${compare(dialect, sql, '<', literalOf(type, before))}`;
    },
    bounds: (start) => {
      if (start === undefined) return outside === undefined ? `${name} is NULL` : `${name} is NULL or not in 0001-9999`;
      const before = end(start);
      return before === undefined ? `${name} >= ${start}` : `${name} in [${start}, ${before})`;
    },
    levels: (start) => {
      // Readers want the same levels everywhere.
      const values = start === undefined ? [] : directoryValues(start, period);
      return names.map((level, index) => ({ name: level, value: values[index] ?? null }));
    },
  };
}

function literalOf({ scale, literal }: KeyType, day: string): string {
  return literal(typeof scale === 'object' ? scale.toText(scale.toPosition(day)) : day);
}

function tooManyValues(keys: readonly DirectoryKey[]): LakeportError {
  const name = keys.map(({ key }) => key.name).join(', ');
  const [are, which] = keys.length === 1 ? ['is', 'distinct values'] : ['are', 'combinations of values'];
  return new LakeportError({
    code: 'PARTITION_TOO_MANY_VALUES',
    message: `The partition key ${name} has more than ${MOST_DIRECTORIES} ${which}, each of which would be a slice`,
    hint: `Use the method Ntile or RangeId for such a key, or an expression that has fewer of them; there ${are} too many files otherwise`,
    context: { detail: name },
  });
}

function tooManyGroups(): LakeportError {
  return new LakeportError({
    code: 'PARTITION_TOO_MANY_VALUES',
    message: `The partition keys have more than ${MOST_GROUPS} combinations of days and values`,
    hint: 'Partition by fewer of them',
  });
}
