import { LakeportError } from '../../errors.js';
import { methodNotSupported } from '../partitioning/methods.js';
import { POSTGRES_METHODS } from './methods.js';
import { type TableId, tableName } from '../../model/table.js';
import type { TableOverride } from '../source.js';
import type { Member } from './slices.js';

/** What a user's configuration may ask of this database. */

/** @throws LakeportError where the method is another database's, or there is a key and no method that would use it */
export function checkOverride(override: TableOverride | undefined): void {
  const { method, key } = override ?? {};
  if (method !== undefined && !POSTGRES_METHODS.some(({ name }) => name === method)) {
    throw methodNotSupported({ product: 'PostgreSQL', method, methods: POSTGRES_METHODS });
  }
  if (method !== undefined || key === undefined) return;
  throw new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    exit: 'usage',
    message: `PostgreSQL's tables are shared out by their pages (method Ctid), not by a key such as ${key}`,
    hint: 'Leave the key out in --table-config or the row of partition_columns',
    context: { detail: key },
  });
}

/** @throws LakeportError where `Ctid` is asked for and no row of the table can be told by its page */
export function requirePages(
  override: TableOverride | undefined,
  table: TableId,
  members: readonly Pick<Member, 'byPage'>[] | undefined,
): void {
  if (override?.method !== 'Ctid' || members?.some(({ byPage }) => byPage)) return;
  throw new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    exit: 'usage',
    message: `${tableName(table)} cannot be shared out by the method Ctid`,
    hint: 'Ctid needs PostgreSQL 14 or later, and heap tables whose rows this user may all read; use None for views and others',
    context: { detail: 'Ctid' },
  });
}
