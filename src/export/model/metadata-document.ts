import type { ForeignKey, TableMetadata, UniqueKey } from '../../model/table-metadata.js';
import type { ForeignKeyDocument, MetadataDocument, UniqueKeyDocument } from './metadata-schema.js';

/** What a source declares about a table, in manifests. Comments and defaults of columns are with the columns. */
export function metadataDocument({ comment, primaryKey, uniqueKeys, foreignKeys }: TableMetadata): MetadataDocument {
  return {
    ...(comment !== undefined && { comment }),
    ...(primaryKey !== undefined && { primary_key: uniqueKeyDocument(primaryKey) }),
    ...(uniqueKeys !== undefined && { unique_keys: uniqueKeys.map(uniqueKeyDocument) }),
    ...(foreignKeys !== undefined && { foreign_keys: foreignKeys.map(foreignKeyDocument) }),
  };
}

export function foreignKeyDocument({ name, columns, references, isValidated }: ForeignKey): ForeignKeyDocument {
  const { table } = references;
  return {
    ...(name !== undefined && { name }),
    columns,
    references: { schema: table.schema, table: table.name, columns: references.columns },
    validated: isValidated,
  };
}

function uniqueKeyDocument({ name, columns }: UniqueKey): UniqueKeyDocument {
  return { ...(name !== undefined && { name }), columns };
}
