import { maskIsText } from '../../column-treatment.js';
import type { ColumnRead, TreatedColumn } from './column-read.js';
import { convertedRead } from './conversions.js';
import { readExpression } from './expressions.js';
import { maskedRead } from './masks.js';
import type { TypeCatalog } from './type-catalog.js';
import { mapType, type MappingOptions } from './types.js';

/**
 * How the column is read. Undefined for a type whose values cannot be read.
 * @throws LakeportError for a type that its values cannot be written as
 */
export function readOf(column: TreatedColumn, types: TypeCatalog, options: MappingOptions): ColumnRead | undefined {
  const { name, resolved, treatment = {} } = column;
  const mapping = mapType(resolved, types, options);
  if (mapping === undefined) return undefined;
  const { form, ...own } = mapping;
  const { mask, type: wanted } = treatment;
  if (mask !== undefined && mask.method !== 'null' && wanted !== undefined && wanted.as !== 'text') {
    throw maskIsText(column, wanted);
  }
  const plain = { ...own, expression: readExpression(name, form) };
  const read = wanted === undefined ? plain : convertedRead(column, { plain, wanted, types, options });
  return mask === undefined ? read : maskedRead(name, read, mask, options);
}
