import { LakeportError } from '../../../errors.js';
import { tableName } from '../../../model/table.js';
import type { ReadColumn } from '../../source.js';
import type { CatalogTable } from '../catalog.js';
import type { Attribute } from './column-catalog.js';
import { errorNumber } from '../errors.js';
import { quoteName, quoteTable } from '../identifiers.js';
import { displayWireType, type WireType } from '../tds/wire-type.js';
import { displayType } from './type-names.js';

/** Why a table cannot be read with its columns. */

/** `Invalid collation`: the server has none in UTF-8. */
const NO_COLLATION = 448;

/** The error of a server whose text cannot be hashed in UTF-8. */
export function hashRefused(error: unknown, { id }: CatalogTable): LakeportError | undefined {
  if (errorNumber(error) !== NO_COLLATION) return undefined;
  return new LakeportError({
    code: 'MASK_NOT_SUPPORTED',
    message: 'The mask hash needs SQL Server 2019 or later, whose text has a form in UTF-8',
    hint: 'Use another mask for the columns of this table: null, redact or partial',
    context: { table: tableName(id) },
    cause: error,
  });
}

export function columnsDenied({ id }: CatalogTable, columns: readonly string[], cause: unknown): LakeportError {
  const many = columns.length !== 1;
  return new LakeportError({
    code: 'TABLE_PERMISSION_DENIED',
    message: `Permission denied for ${many ? 'columns' : 'column'} ${columns.join(', ')}`,
    hint: `GRANT SELECT ON ${quoteTable(id)} (${columns.map(quoteName).join(', ')}) TO this user, or leave ${many ? 'them' : 'it'} out with --skip-unreadable-columns or --exclude-columns`,
    context: { table: tableName(id) },
    cause,
  });
}

export function tableNotFound(table: string): LakeportError {
  return new LakeportError({
    code: 'TABLE_NOT_FOUND',
    message: 'The table does not exist, or has no column that this user can see',
    hint: 'It was dropped or renamed in the meantime; run again',
    context: { table },
  });
}

export function encrypted(attribute: Attribute): LakeportError {
  const { name } = attribute;
  return new LakeportError({
    code: 'TYPE_NOT_READABLE',
    message: `Column ${name} (${displayType(attribute)}) is under Always Encrypted`,
    hint: 'Leave the column out with --exclude-columns',
    context: { column: name },
  });
}

export function notReadable({ name, sourceType }: ReadColumn['spec'], wire: WireType | undefined): LakeportError {
  const arrives = wire === undefined ? 'nothing' : displayWireType(wire);
  const codepage = wire?.codepage === undefined ? '' : `, in code page ${wire.codepage}`;
  return new LakeportError({
    code: 'TYPE_NOT_READABLE',
    message: `Column ${name} is ${sourceType} in the catalog and arrives as ${arrives}${codepage}`,
    hint: 'Export a view that converts the column or leaves it out (with --include-views)',
    context: { column: name },
  });
}
