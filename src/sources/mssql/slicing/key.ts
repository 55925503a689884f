import { LakeportError } from '../../../errors.js';
import type { PartitionMethod, ReadColumn, TableId } from '../../source.js';
import type { MssqlClient } from '../client.js';
import { quoteName, quoteTable } from '../identifiers.js';
import { type KeyType, keyTypeOf } from './key-type.js';

/** What a table's rows are shared out by. */
export interface SliceKey {
  /** A quoted column, or the user's own expression in parentheses. */
  readonly sql: string;
  /** For people. */
  readonly name: string;
  readonly type: KeyType;
  /** False where the key is a column that is declared NOT NULL. */
  readonly nullable: boolean;
}

/**
 * Finds the key that a configuration names: a column, in whatever case and quotes, else an expression.
 * @throws LakeportError where its type cannot be compared; the server's errors where it is no expression
 */
export async function resolveKey(
  client: MssqlClient,
  table: TableId,
  columns: readonly ReadColumn[],
  text: string,
): Promise<SliceKey> {
  const column = findColumn(columns, text.trim());
  const name = column?.spec.name ?? text.trim();
  const plain = column === undefined ? `(${name})` : quoteName(column.spec.name);
  const [wire] = await client.describe(`SELECT TOP (0) ${plain} FROM ${quoteTable(table)}`);
  const type = wire && keyTypeOf(wire);
  if (type === undefined) {
    throw new LakeportError({
      code: 'PARTITION_KEY_NOT_COMPARABLE',
      exit: 'usage',
      message: `The partition key ${name} is of a type whose values cannot be compared`,
      hint: 'name another column or expression',
      context: { detail: name },
    });
  }
  const sql = type.wrap === undefined ? plain : type.wrap(plain);
  return { sql, name, type, nullable: column?.spec.nullable ?? true };
}

function findColumn(columns: readonly ReadColumn[], text: string): ReadColumn | undefined {
  const bare =
    /^\[(.*)\]$/s.exec(text)?.[1]?.replaceAll(']]', ']') ?? /^"(.*)"$/s.exec(text)?.[1]?.replaceAll('""', '"');
  const name = bare ?? text;
  const exact = columns.find(({ spec }) => spec.name === name);
  if (exact !== undefined) return exact;
  const folded = columns.filter(({ spec }) => spec.name.toLowerCase() === name.toLowerCase());
  return folded.length === 1 ? folded[0] : undefined;
}

/** @throws LakeportError where the method wants another kind of key */
export function requireKey(key: SliceKey, method: PartitionMethod, fits: boolean, wanted: string): void {
  if (fits) return;
  throw new LakeportError({
    code: 'PARTITION_KEY_UNSUITABLE',
    exit: 'usage',
    message: `The method ${method} needs ${wanted}, which ${key.name} is not`,
    hint: 'name another key, or another method',
    context: { detail: key.name },
  });
}

/** @throws LakeportError where the configuration names none */
export function requireKeyText(method: PartitionMethod, key: string | undefined): string {
  if (key !== undefined && key.trim() !== '') return key;
  throw new LakeportError({
    code: 'PARTITION_KEY_MISSING',
    exit: 'usage',
    message: `The method ${method} needs a key`,
    hint: 'name a column (--table_config table:method:key)',
    context: { detail: '--table_config' },
  });
}

export function notOfThisEngine(method: PartitionMethod): LakeportError {
  return new LakeportError({
    code: 'PARTITION_METHOD_UNKNOWN',
    exit: 'usage',
    message: `SQL Server has no method ${method}`,
    hint: 'use Physloc, RangeId, Random, Ntile, DataDriven, Timepartition or None',
    context: { detail: method },
  });
}
