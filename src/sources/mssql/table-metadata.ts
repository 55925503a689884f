import type { TableMetadata } from '../../model/table-metadata.js';
import { MetadataCollector } from '../metadata-collector.js';
import type { CatalogTable } from './catalog.js';
import type { MssqlClient, QueryValue } from './connection/client.js';
import { nameText } from './identifiers.js';
import { firstAnswer } from './connection/server.js';

/** Tables per query. */
const BATCH = 500;

/**
 * Keys, comments and defaults of each table, in the order of the tables; undefined for a table with none of them. Takes
 * four queries for each `BATCH` of tables. What this server does not show is left out.
 */
export async function readTableMetadata(
  client: MssqlClient,
  tables: readonly CatalogTable[],
): Promise<(TableMetadata | undefined)[]> {
  const collector = new MetadataCollector<number>();
  const known = tables.flatMap(({ objectId }) => objectId ?? []);
  for (let at = 0; at < known.length; at += BATCH) {
    const ids = known.slice(at, at + BATCH).join(', ');
    for (const [table, name, key, isPrimary, column] of await rowsOf(client, keysOf(ids))) {
      collector.addKeyColumn(Number(table), {
        key: Number(key),
        name: String(name),
        isPrimary: Number(isPrimary) === 1,
        column: String(column),
      });
    }
    for (const [table, name, key, trusted, column, schema, other, referenced] of await rowsOf(
      client,
      referencesOf(ids),
    )) {
      collector.addForeignKeyColumn(Number(table), {
        key: Number(key),
        name: String(name),
        isValidated: Number(trusted) === 1,
        column: String(column),
        references: { schema: String(schema), name: String(other) },
        referenced: String(referenced),
      });
    }
    for (const [table, column, comment] of await rowsOf(client, commentsOf(ids))) {
      if (typeof comment !== 'string') continue;
      if (column === null || column === undefined) collector.setComment(Number(table), comment);
      else collector.setColumn(Number(table), String(column), { comment });
    }
    for (const [table, column, expression] of await rowsOf(client, defaultsOf(ids))) {
      if (typeof expression === 'string') {
        collector.setColumn(Number(table), String(column), { default: expression });
      }
    }
  }
  return tables.map(({ objectId }) => (objectId === undefined ? undefined : collector.of(objectId)));
}

/** None where the server refuses: other products lack some of these views, and some users may not see them. */
function rowsOf(client: MssqlClient, sql: string): Promise<QueryValue[][]> {
  return firstAnswer([() => client.query(sql), () => Promise.resolve([])]);
}

/** Unique indexes that cover all rows; constraints have one each. */
function keysOf(ids: string): string {
  return `
    SELECT i.object_id, ${nameText('i.name')}, i.index_id, CASE i.is_primary_key WHEN 1 THEN 1 ELSE 0 END, ${nameText('c.name')}
    FROM sys.indexes AS i
    JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.key_ordinal > 0
    JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
    WHERE i.object_id IN (${ids}) AND i.is_unique = 1 AND i.is_disabled = 0 AND i.is_hypothetical = 0 AND i.has_filter = 0
    ORDER BY i.object_id, i.index_id, k.key_ordinal`;
}

function referencesOf(ids: string): string {
  return `
    SELECT f.parent_object_id, ${nameText('f.name')}, f.object_id,
           CASE WHEN f.is_disabled = 0 AND f.is_not_trusted = 0 THEN 1 ELSE 0 END, ${nameText('c.name')},
           ${nameText('s.name')}, ${nameText('o.name')}, ${nameText('r.name')}
    FROM sys.foreign_keys AS f
    JOIN sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id
    JOIN sys.columns AS c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
    JOIN sys.columns AS r ON r.object_id = k.referenced_object_id AND r.column_id = k.referenced_column_id
    JOIN sys.objects AS o ON o.object_id = f.referenced_object_id
    JOIN sys.schemas AS s ON s.schema_id = o.schema_id
    WHERE f.parent_object_id IN (${ids})
    ORDER BY f.parent_object_id, f.object_id, k.constraint_column_id`;
}

/** What Management Studio calls the description of a table or column. */
function commentsOf(ids: string): string {
  return `
    SELECT p.major_id, ${nameText('c.name')}, CONVERT(nvarchar(max), p.value)
    FROM sys.extended_properties AS p
    LEFT JOIN sys.columns AS c ON c.object_id = p.major_id AND c.column_id = p.minor_id
    WHERE p.class = 1 AND p.name = N'MS_Description' AND p.major_id IN (${ids})
    ORDER BY p.major_id, p.minor_id`;
}

function defaultsOf(ids: string): string {
  return `
    SELECT d.parent_object_id, ${nameText('c.name')}, CONVERT(nvarchar(max), d.definition)
    FROM sys.default_constraints AS d
    JOIN sys.columns AS c ON c.object_id = d.parent_object_id AND c.column_id = d.parent_column_id
    WHERE d.parent_object_id IN (${ids})
    ORDER BY d.parent_object_id, d.parent_column_id`;
}
