import type { ConvertedType, LogicalType as FooterLogicalType, SchemaElement } from 'hyparquet';
import type { ColumnSpec, LogicalType, ParquetType } from '../columns/column-spec.js';

/**
 * The footer's schema: a root and its columns, depth first. Logical types are written in the new form and, if one
 * exists, as the legacy `converted_type`, the only one that older readers know (LogicalTypes.md). List elements get the
 * ids after the columns' highest, in column order, as Iceberg numbers the columns of a new table.
 */
export function schemaElements(specs: readonly ColumnSpec[]): SchemaElement[] {
  let lastId = Math.max(0, ...specs.map(({ fieldId }) => fieldId));
  const columns = specs.flatMap((spec) => columnElements(spec, spec.list ? ++lastId : undefined));
  return [{ name: 'schema', num_children: specs.length }, ...columns];
}

/** The element that holds the column's values, without its id. */
export function leafElement(spec: ColumnSpec): SchemaElement {
  const elements = columnElements(spec, undefined);
  const leaf = elements[elements.length - 1];
  if (leaf === undefined) throw new TypeError(`column ${spec.name} has no schema`);
  return leaf;
}

/** Path of the column's values in the schema. */
export function leafPath(spec: ColumnSpec): string[] {
  return spec.list ? [spec.name, 'list', 'element'] : [spec.name];
}

function columnElements(spec: ColumnSpec, elementId: number | undefined): SchemaElement[] {
  const repetition_type = spec.nullable ? 'OPTIONAL' : 'REQUIRED';
  if (!spec.list) {
    return [{ ...valueElement(spec.type), name: spec.name, repetition_type, field_id: spec.fieldId }];
  }
  return [
    {
      name: spec.name,
      repetition_type,
      num_children: 1,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
      field_id: spec.fieldId,
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    {
      ...valueElement(spec.type),
      name: 'element',
      repetition_type: 'OPTIONAL',
      ...(elementId === undefined ? {} : { field_id: elementId }),
    },
  ];
}

function valueElement(type: ParquetType): Omit<SchemaElement, 'name' | 'repetition_type'> {
  return {
    type: type.physical,
    ...(type.length === undefined ? {} : { type_length: type.length }),
    ...(type.logical === undefined ? {} : annotation(type.logical)),
  };
}

interface Annotation {
  logical_type?: FooterLogicalType;
  converted_type?: ConvertedType;
  precision?: number;
  scale?: number;
}

function annotation(logical: LogicalType): Annotation {
  switch (logical.kind) {
    case 'integer': {
      // Only the equivalent legacy form: hyparquet-writer writes the new form's width with a Thrift type that
      // strict readers reject (an i32 instead of parquet.thrift's i8).
      const { bitWidth, signed } = logical;
      return { converted_type: `${signed ? 'INT' : 'UINT'}_${bitWidth}` };
    }
    case 'decimal': {
      const { precision, scale } = logical;
      return { logical_type: { type: 'DECIMAL', precision, scale }, converted_type: 'DECIMAL', precision, scale };
    }
    case 'date':
      return { logical_type: { type: 'DATE' }, converted_type: 'DATE' };
    case 'time':
    case 'timestamp': {
      const type = logical.kind === 'time' ? 'TIME' : 'TIMESTAMP';
      return {
        logical_type: { type, isAdjustedToUTC: logical.utc, unit: logical.unit },
        // Nanoseconds have no legacy form. The legacy form of microseconds means UTC, but readers prefer the new form
        // if both exist.
        ...(logical.unit === 'MICROS' ? { converted_type: `${type}_MICROS` as const } : {}),
      };
    }
    case 'string':
      return { logical_type: { type: 'STRING' }, converted_type: 'UTF8' };
    case 'json':
      return { logical_type: { type: 'JSON' }, converted_type: 'JSON' };
    case 'uuid':
      return { logical_type: { type: 'UUID' } };
    default:
      return logical satisfies never;
  }
}
