import type { TableMetadata } from '../../model/table-metadata.js';
import { MetadataCollector } from '../metadata-collector.js';
import type { SqliteConnection } from './connection.js';
import { SCHEMA } from './identifiers.js';

/** Tables per query. */
const BATCH = 2000;

/** Keys and defaults of the tables, by name; SQLite has no comments. Takes four queries for each `BATCH` of tables. */
export function readTableMetadata(
  connection: SqliteConnection,
  names: readonly string[],
): ReadonlyMap<string, TableMetadata> {
  const found = new Map<string, TableMetadata>();
  for (let start = 0; start < names.length; start += BATCH) {
    const some = names.slice(start, start + BATCH);
    const collector = new MetadataCollector<string>();
    readColumns(connection, some, collector);
    readUniqueIndexes(connection, some, collector);
    readForeignKeys(connection, some, collector);
    for (const name of some) {
      const metadata = collector.of(name);
      if (metadata !== undefined) found.set(name, metadata);
    }
  }
  return found;
}

/** Primary keys, some of which have no index, and defaults. */
function readColumns(
  connection: SqliteConnection,
  names: readonly string[],
  collector: MetadataCollector<string>,
): void {
  const rows = connection.query(
    `SELECT l.value, x.name, x.pk, x.dflt_value, x."notnull"
     FROM json_each(?) AS l JOIN pragma_table_xinfo(l.value) AS x
     WHERE x.pk > 0 OR x.dflt_value IS NOT NULL
     ORDER BY l.key, x.pk, x.cid`,
    JSON.stringify(names),
  );
  const nullable = new Set(
    rows.filter(([, , pk, , notNull]) => pk !== 0 && notNull === 0).map(([table]) => String(table)),
  );
  for (const [table, column, pk, expression] of rows) {
    const name = String(table);
    if (pk !== 0) {
      const mayBeNull = nullable.has(name);
      collector.addKeyColumn(name, { key: '', name: undefined, isPrimary: true, mayBeNull, column: String(column) });
    }
    if (typeof expression === 'string') collector.setColumn(name, String(column), { default: expression });
  }
}

/** Those that cover all rows, and consist of columns only. */
function readUniqueIndexes(
  connection: SqliteConnection,
  names: readonly string[],
  collector: MetadataCollector<string>,
): void {
  const rows = connection.query(
    `SELECT l.value, i.name, i.origin, x.name
     FROM json_each(?) AS l JOIN pragma_index_list(l.value) AS i JOIN pragma_index_info(i.name) AS x
     WHERE i."unique" = 1 AND i.partial = 0 AND i.origin <> 'pk'
       AND NOT EXISTS (SELECT 1 FROM pragma_index_info(i.name) AS e WHERE e.name IS NULL)
     ORDER BY l.key, i.seq DESC, x.seqno`,
    JSON.stringify(names),
  );
  for (const [table, index, origin, column] of rows) {
    collector.addKeyColumn(String(table), {
      key: index,
      // The index of a constraint has a name that SQLite has made up.
      name: origin === 'c' ? String(index) : undefined,
      isPrimary: false,
      column: String(column),
    });
  }
}

/** As the file has them: whether they hold is a matter of `PRAGMA foreign_keys` of whoever wrote a row. */
function readForeignKeys(
  connection: SqliteConnection,
  names: readonly string[],
  collector: MetadataCollector<string>,
): void {
  const rows = connection.query(
    `SELECT l.value, f.id, f."from", p.name, t.name
     FROM json_each(?) AS l JOIN pragma_foreign_key_list(l.value) AS f
     JOIN pragma_table_list(f."table") AS t ON t.schema = '${SCHEMA}'
     JOIN pragma_table_xinfo(f."table") AS p
       ON CASE WHEN f."to" IS NULL THEN p.pk = f.seq + 1 ELSE p.name = f."to" COLLATE NOCASE END
     ORDER BY l.key, f.id DESC, f.seq`,
    JSON.stringify(names),
  );
  for (const [table, key, column, referenced, target] of rows) {
    collector.addForeignKeyColumn(String(table), {
      key,
      name: undefined,
      column: String(column),
      references: { schema: SCHEMA, name: String(target) },
      referenced: String(referenced),
      isValidated: false,
    });
  }
}
