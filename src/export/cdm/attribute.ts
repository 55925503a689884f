import { readParquetTypeName } from '../../columns/type-name.js';
import type { ParquetType } from '../../columns/column-spec.js';
import { valueKind } from '../../columns/value-kind.js';
import type { DescribedColumn, DescribedTable } from '../formats/table-format.js';
import { CDM_TYPES } from './data-types.js';
import type { TraitReference, TypeAttribute } from './documents.js';

/** Values of a list: the Common Data Model has lists of structures only. */
const LIST = 'is.dataFormat.list';
/** Has no values in the files. */
const VIRTUAL = 'is.virtual.attribute';

const TEXT: ParquetType = { physical: 'BYTE_ARRAY', logical: { kind: 'string' } };

/** An entity's attributes: the columns of the files, then those that only the names of directories have. */
export function attributesOf({ columns, levels, primaryKey = [], engine }: DescribedTable): TypeAttribute[] {
  const isKey = (name: string) => primaryKey.includes(name);
  return [
    ...columns.map((column) => {
      const { type, list } = readParquetTypeName(column.type) ?? { type: TEXT, list: false };
      const length = list ? undefined : maximumLength(column, { type, engine });
      return attribute(column, { type, isKey: isKey(column.name), length, traits: list ? [LIST] : [] });
    }),
    ...levels.map((level) => {
      const { type } = (level.type === undefined ? undefined : readParquetTypeName(level.type)) ?? { type: TEXT };
      const length = maximumLength(level, { type, engine });
      const nullable = !isKey(level.name);
      return attribute({ ...level, nullable }, { type, isKey: isKey(level.name), length, traits: [VIRTUAL] });
    }),
  ];
}

function attribute(
  { name, nullable, comment }: Pick<DescribedColumn, 'name' | 'nullable' | 'comment'>,
  {
    type,
    isKey,
    length,
    traits,
  }: {
    readonly type: ParquetType;
    readonly isKey: boolean;
    readonly length: number | undefined;
    readonly traits: readonly string[];
  },
): TypeAttribute {
  const shape = shapeOf(type);
  const applied = [...(shape === undefined ? [] : [shape]), ...traits];
  return {
    name,
    ...CDM_TYPES[valueKind(type)],
    isNullable: nullable,
    ...(isKey && { isPrimaryKey: true as const }),
    ...(length !== undefined && { maximumLength: length }),
    ...(comment !== undefined && { description: comment }),
    ...(applied.length > 0 && { appliedTraits: applied }),
  };
}

/** Digits in all, and behind the point. */
function shapeOf({ logical }: ParquetType): TraitReference | undefined {
  const isUnsigned64 = logical?.kind === 'integer' && !logical.signed && logical.bitWidth === 64;
  const shape = isUnsigned64 ? { precision: 20, scale: 0 } : logical;
  if (shape === undefined || !('precision' in shape)) return undefined;
  return {
    traitReference: 'is.dataFormat.numeric.shaped',
    arguments: [
      { name: 'precision', value: String(shape.precision) },
      { name: 'scale', value: String(shape.scale) },
    ],
  };
}

/** Types with a length that databases enforce; SQL Server's alias types have their base type in parentheses. */
const SIZED =
  /^(?:.+ \()?(?:n?(?:var)?char|character(?: varying)?|n?(?:char|character) varying|(?:var)?binary|bit(?: varying)?|varbit|bpchar)\s*\((\d+)\)\)?$/i;

/** Of the source's type, if values are as the source has them. SQLite lets every text be as long as it likes. */
function maximumLength(
  { sourceType = '', mask }: Partial<Pick<DescribedColumn, 'sourceType' | 'mask'>>,
  { type, engine }: { readonly type: ParquetType; readonly engine: string | undefined },
): number | undefined {
  if (mask !== undefined || engine === 'sqlite') return undefined;
  const kind = valueKind(type);
  if (kind !== 'string' && kind !== 'bytes') return undefined;
  const [, length] = SIZED.exec(sourceType) ?? [];
  return length === undefined ? undefined : Number(length);
}
