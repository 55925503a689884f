import type { Fidelity, ParquetType } from '../../columns/column-spec.js';
import { type ColumnTreatment, maskIsText } from '../column-treatment.js';
import type { ColumnDecoder } from '../source.js';
import { convertedRead } from './conversions.js';
import { readExpression } from './expressions.js';
import { maskedRead } from './masks.js';
import type { ResolvedType, TypeCatalog } from './type-catalog.js';
import { mapType, type MappingOptions } from './types.js';

/** How a column is read: by its own type, or as its treatment says. */
export interface ColumnRead {
  readonly type: ParquetType;
  readonly decoder: ColumnDecoder;
  readonly fidelity: Fidelity;
  readonly expression: string;
  /** Whether a value may have no counterpart in the Parquet type. */
  readonly partial: boolean;
  readonly list: boolean;
  /** Whether it only has NULLs. */
  readonly isNull?: boolean;
  readonly mask?: string;
}

export interface TreatedColumn {
  readonly name: string;
  /** Name of its type. */
  readonly sourceType: string;
  readonly resolved: ResolvedType;
  readonly treatment: ColumnTreatment | undefined;
}

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
