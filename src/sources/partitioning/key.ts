import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import type { PartitionMethod, ReadColumn } from '../source.js';
import { checkExpression } from './expression.js';
import type { KeyType } from './key-type.js';
import type { KeyedTable, SqlDialect } from './sql-dialect.js';
import { someOf } from '../../text/quantities.js';

/** What a table's rows are split by. */
export interface SliceKey {
  /** A quoted column, or the user's own expression in parentheses. */
  readonly sql: string;
  /** For messages. */
  readonly name: string;
  readonly type: KeyType;
  /** Undefined for an expression. */
  readonly column: ReadColumn | undefined;
  /** False if the key is a column declared NOT NULL. */
  readonly nullable: boolean;
}

/** Maximum number of columns that an error lists. */
const MOST_LISTED = 30;

/**
 * Resolves a configured key: a column, in any case and quoting, otherwise an expression.
 * @throws LakeportError if there is no such column, or the key's type cannot be compared; the server's errors for an
 * invalid expression
 * @param options.isMoment the key is to be a date or a time
 */
export async function resolveKey(
  table: KeyedTable,
  text: string,
  { isMoment = false }: { readonly isMoment?: boolean } = {},
): Promise<SliceKey> {
  const { columns, dialect } = table;
  const trimmed = text.trim();
  const column = findColumn(dialect, columns, trimmed);
  if (column === undefined && dialect.identifier.test(trimmed)) throw unknownColumn(table.id, columns, trimmed);
  if (column === undefined) checkExpression(trimmed);
  const name = column?.spec.name ?? trimmed;
  const plain = column === undefined ? `(${name})` : dialect.quoteName(column.spec.name);
  const type =
    isMoment && table.momentTypeOf !== undefined
      ? await table.momentTypeOf({ sql: plain, name })
      : await table.keyTypeOf(plain, column);
  if (type === undefined) {
    throw new LakeportError({
      code: 'PARTITION_KEY_NOT_COMPARABLE',
      message: `The partition key ${name} has a type whose values cannot be compared`,
      hint: 'Name another column or expression',
      context: { detail: name },
    });
  }
  const sql = type.wrap === undefined ? plain : type.wrap(plain);
  return { sql, name, type, column, nullable: column?.spec.nullable ?? true };
}

function unknownColumn(table: TableId, columns: readonly ReadColumn[], name: string): LakeportError {
  const names = columns.map(({ spec }) => spec.name);
  return new LakeportError({
    code: 'PARTITION_KEY_UNKNOWN',
    message: `${tableName(table)} has no column ${name} to split it by`,
    hint: `Its columns are ${someOf(names, MOST_LISTED)}`,
    context: { detail: name },
  });
}

/** The column that a key names, in any case and quoting; undefined for an expression. */
export function findColumn(dialect: SqlDialect, columns: readonly ReadColumn[], text: string): ReadColumn | undefined {
  const trimmed = text.trim();
  const name = dialect.unquoted(trimmed) ?? trimmed;
  const exact = columns.find(({ spec }) => spec.name === name);
  if (exact !== undefined) return exact;
  const folded = columns.filter(({ spec }) => spec.name.toLowerCase() === name.toLowerCase());
  return folded.length === 1 ? folded[0] : undefined;
}

/** @throws LakeportError if the method needs another kind of key */
export function requireKey(key: SliceKey, method: PartitionMethod, fits: boolean, wanted: string): void {
  if (fits) return;
  throw new LakeportError({
    code: 'PARTITION_KEY_UNSUITABLE',
    message: `The method ${method} needs ${wanted}, which ${key.name} is not`,
    hint: `Name another key, or one of the methods that work with this one: ${methodsFor(key.type).join(', ')}`,
    context: { detail: key.name },
  });
}

function methodsFor({ scale, isInteger, isOrdered, calendar }: KeyType): PartitionMethod[] {
  return [
    ...(scale === undefined ? [] : (['RangeId'] as const)),
    ...(isInteger ? (['Random'] as const) : []),
    ...(isOrdered ? (['Ntile'] as const) : []),
    'DataDriven',
    ...(calendar === undefined ? [] : (['Timepartition'] as const)),
  ];
}

/** @throws LakeportError if the configuration has no key */
export function requireKeyText(method: PartitionMethod | undefined, key: string | undefined): string {
  if (key !== undefined && key.trim() !== '') return key;
  throw new LakeportError({
    code: 'PARTITION_KEY_MISSING',
    message: method === undefined ? 'The partition key is empty' : `The method ${method} needs a key`,
    hint:
      method === 'Timepartition'
        ? 'Name a date and its periods (--table-config "table:Timepartition:(column,year,month)")'
        : `Name a column (--table-config table:${method ?? 'RangeId'}:column)`,
    context: { detail: '--table-config' },
  });
}
