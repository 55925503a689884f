import type { ColumnSpec, ParquetType } from '../../columns/column-spec.js';
import type { Compat } from '../../columns/compat.js';
import type { TableMetadata } from '../../model/table-metadata.js';
import { foreignKeyDocument } from '../model/metadata-document.js';

/**
 * Key-value pairs of a file's footer that say what the source declares about the table, as texts or JSON. Readers show
 * them with the file's schema; Spark takes comments of columns from a schema of its own, in files that are for it.
 */
export function metadataFooter(
  metadata: TableMetadata | undefined,
  { specs, compat }: { readonly specs: readonly ColumnSpec[]; readonly compat: Compat | undefined },
): Readonly<Record<string, string>> {
  if (metadata === undefined) return {};
  const { comment, primaryKey, uniqueKeys, foreignKeys, columns = [] } = metadata;
  const comments = columns.flatMap(({ name, comment: text }) => (text === undefined ? [] : [[name, text] as const]));
  const defaults = columns.flatMap(({ name, default: text }) => (text === undefined ? [] : [[name, text] as const]));
  const keys = uniqueKeys?.map((key) => key.columns);
  return {
    ...(comment !== undefined && { 'lakeport.comment': comment }),
    ...(comments.length > 0 && { 'lakeport.column_comments': JSON.stringify(Object.fromEntries(comments)) }),
    ...(defaults.length > 0 && { 'lakeport.column_defaults': JSON.stringify(Object.fromEntries(defaults)) }),
    ...(primaryKey !== undefined && { 'lakeport.primary_key': JSON.stringify(primaryKey.columns) }),
    ...(keys !== undefined && { 'lakeport.unique_keys': JSON.stringify(keys) }),
    ...(foreignKeys !== undefined && { 'lakeport.foreign_keys': JSON.stringify(foreignKeys.map(foreignKeyDocument)) }),
    ...(compat === 'spark' && comments.length > 0 && { [SPARK_SCHEMA]: sparkSchema(specs, new Map(comments)) }),
  };
}

/** Where Spark looks for its own schema of a file (`ParquetReadSupport.SPARK_METADATA_KEY`). */
const SPARK_SCHEMA = 'org.apache.spark.sql.parquet.row.metadata';

function sparkSchema(specs: readonly ColumnSpec[], comments: ReadonlyMap<string, string>): string {
  const fields = specs.map((spec) => {
    const comment = spec.added === undefined ? comments.get(spec.name) : undefined;
    const element = sparkType(spec.type);
    return {
      name: spec.name,
      type: spec.list ? { type: 'array', elementType: element, containsNull: true } : element,
      nullable: spec.nullable,
      metadata: comment === undefined ? {} : { comment },
    };
  });
  return JSON.stringify({ type: 'struct', fields });
}

/** As Spark reads the types that `compatibleType` leaves. */
function sparkType({ physical, logical }: ParquetType): string {
  switch (logical?.kind) {
    case 'integer':
      return logical.bitWidth === 8 ? 'byte' : logical.bitWidth === 16 ? 'short' : physicalSparkType(physical);
    case 'decimal':
      return `decimal(${logical.precision},${logical.scale})`;
    case 'date':
      return 'date';
    case 'timestamp':
      return logical.utc ? 'timestamp' : 'timestamp_ntz';
    case 'string':
    case 'json':
      return 'string';
    // Spark cannot read the others: `refuses` of its profile.
    case 'time':
    case 'uuid':
    case undefined:
      return physicalSparkType(physical);
    default:
      return logical satisfies never;
  }
}

function physicalSparkType(physical: ParquetType['physical']): string {
  switch (physical) {
    case 'BOOLEAN':
    case 'FLOAT':
    case 'DOUBLE':
      return physical.toLowerCase();
    case 'INT32':
      return 'integer';
    case 'INT64':
      return 'long';
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return 'binary';
    default:
      return physical satisfies never;
  }
}
