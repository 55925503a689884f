import { LakeportError } from '../../errors.js';
import { methodNotSupported, physicalAs } from '../partitioning/methods.js';
import { POSTGRES_METHODS } from './methods.js';
import { type TableId, tableName } from '../../model/table.js';
import type { TableOverride } from '../source.js';
import type { Member } from './rows/slices.js';

/** Validates a table's configuration for this engine. */

/** @throws LakeportError if the method belongs to another engine */
export function checkOverride({ method }: TableOverride = {}): void {
  if (method !== undefined && !POSTGRES_METHODS.some(({ name }) => name === method)) {
    throw methodNotSupported({ product: 'PostgreSQL', method, methods: POSTGRES_METHODS });
  }
}

/** @throws LakeportError if `Ctid` is requested but no row of the table can be selected by page */
export function requirePages(
  override: TableOverride | undefined,
  table: TableId,
  members: readonly Pick<Member, 'byPage'>[] | undefined,
): void {
  if (physicalAs(override?.method, 'Ctid') !== 'Ctid' || members?.some(({ byPage }) => byPage)) return;
  throw new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `${tableName(table)} cannot be split by the method Ctid`,
    hint: 'Ctid needs PostgreSQL 14 or later, and heap tables of which this user may read all rows; use RangeId, Ntile or Random with a key for views and others',
    context: { detail: 'Ctid' },
  });
}
