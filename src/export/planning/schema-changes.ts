import type { ParquetType } from '../../columns/column-spec.js';
import { readParquetTypeName } from '../../columns/type-name.js';
import type { PublishedSyncs, SyncedColumn } from '../formats/table-format.js';

/** How one column of a table differs from that of earlier files. */
export interface SchemaChange {
  /** A sentence without its full stop. */
  readonly text: string;
  /**
   * `readable`: readers can read earlier and new files as one table. `widened`: they do not agree, but the values fit the
   * new type, once the files are written anew.
   */
  readonly kind: 'readable' | 'widened' | 'other';
}

/** In the order of the columns now; dropped ones come last. The order of the columns itself does not count. */
export function schemaChanges(
  { columns: before, dropped: gone }: Pick<PublishedSyncs, 'columns' | 'dropped'>,
  now: readonly SyncedColumn[],
): SchemaChange[] {
  const earlier = new Map(before.map((column) => [column.name, column]));
  const names = new Set(now.map(({ name }) => name));
  const changed = now.flatMap((column): SchemaChange[] => {
    const known = earlier.get(column.name);
    if (gone.includes(column.name))
      return [{ text: `${column.name} is there again, after it was gone`, kind: 'other' }];
    if (known === undefined) return [{ text: `${column.name} is new (NULL in earlier files)`, kind: 'readable' }];
    if (known.mask !== column.mask) {
      const text = `${column.name} was ${known.mask ?? 'not masked'} and is ${column.mask ?? 'not masked'}`;
      return [{ text, kind: 'other' }];
    }
    if (known.type !== column.type) {
      const kind = isWider(known.type, column.type) ? 'widened' : 'other';
      return [{ text: `${column.name} was ${known.type} and is ${column.type}`, kind }];
    }
    // A column without NULLs fits one that may have some, either way.
    if (known.nullable === undefined || known.nullable === column.nullable) return [];
    return [{ text: `${column.name} is ${column.nullable ? 'nullable' : 'NOT NULL'} now`, kind: 'readable' }];
  });
  const dropped = before.filter(({ name }) => !names.has(name));
  return [
    ...changed,
    ...dropped.map(({ name }): SchemaChange => ({ text: `${name} is gone (NULL in new files)`, kind: 'readable' })),
  ];
}

/** Whether every value of the one type is one of the other, with the same meaning. */
function isWider(from: string, to: string): boolean {
  const [a, b] = [readParquetTypeName(from), readParquetTypeName(to)];
  if (a === undefined || b === undefined || a.list || b.list) return false;
  const [decimal, wider] = [a.type.logical, b.type.logical];
  if (decimal?.kind === 'decimal' && wider?.kind === 'decimal') {
    return decimal.scale === wider.scale && decimal.precision <= wider.precision;
  }
  if (a.type.physical === 'FLOAT' && b.type.physical === 'DOUBLE') return true;
  const [bits, more] = [signedBits(a.type), signedBits(b.type)];
  return bits !== undefined && more !== undefined && bits <= more;
}

/** Of an integer with a sign; undefined for anything else. */
function signedBits({ physical, logical }: ParquetType): number | undefined {
  if (logical?.kind === 'integer') return logical.signed ? logical.bitWidth : undefined;
  if (logical !== undefined) return undefined;
  return physical === 'INT32' ? 32 : physical === 'INT64' ? 64 : undefined;
}
