import { LakeportError } from '../../errors.js';
import { methodNotSupported } from '../partitioning/methods.js';
import { POSTGRES_METHODS } from './methods.js';
import { type TableId, tableName } from '../../model/table.js';
import type { TableOverride } from '../source.js';
import type { Member } from './slices.js';

/** Validates a table's configuration for this engine. */

/** @throws LakeportError if the method belongs to another engine, or there is a key that no method would use */
export function checkOverride(override: TableOverride | undefined): void {
  const { method, key } = override ?? {};
  if (method !== undefined && !POSTGRES_METHODS.some(({ name }) => name === method)) {
    throw methodNotSupported({ product: 'PostgreSQL', method, methods: POSTGRES_METHODS });
  }
  if (method !== undefined || key === undefined) return;
  throw new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `PostgreSQL tables are split by page ranges (method Ctid); a key such as ${key} cannot be used`,
    hint: 'Remove the key from --table-config or the row of partition_columns',
    context: { detail: key },
  });
}

/** @throws LakeportError if `Ctid` is requested but no row of the table can be selected by page */
export function requirePages(
  override: TableOverride | undefined,
  table: TableId,
  members: readonly Pick<Member, 'byPage'>[] | undefined,
): void {
  if (override?.method !== 'Ctid' || members?.some(({ byPage }) => byPage)) return;
  throw new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `${tableName(table)} cannot be split by the method Ctid`,
    hint: 'Ctid needs PostgreSQL 14 or later, and heap tables of which this user may read all rows; use None for views and others',
    context: { detail: 'Ctid' },
  });
}
