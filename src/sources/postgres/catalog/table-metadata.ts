import type { Client } from 'pg';
import type { TableMetadata } from '../../../model/table-metadata.js';
import { MetadataCollector } from '../../metadata-collector.js';
import { readText, selectText } from './catalog-text.js';
import type { Relation } from './relations.js';
import type { ServerFacts } from '../connection/server-facts.js';

/** Tables per query. */
const BATCH = 2000;

/**
 * Keys, comments and defaults of each table, by oid. Takes four queries for each `BATCH` of tables.
 */
export async function readTableMetadata(
  client: Client,
  server: ServerFacts,
  relations: readonly Relation[],
): Promise<ReadonlyMap<number, TableMetadata>> {
  const found = new Map<number, TableMetadata>();
  for (let start = 0; start < relations.length; start += BATCH) {
    const some = relations.slice(start, start + BATCH);
    const collector = new MetadataCollector<number>();
    // Keys are not those of the rows of tables that inherit.
    const keyed = some.filter(({ kind, hasMembers }) => !(server.withHeirs && kind === 'r' && hasMembers));
    const context = { client, server, collector };
    await readKeys(
      context,
      keyed.map(({ oid }) => oid),
    );
    await readForeignKeys(
      context,
      keyed.map(({ oid }) => oid),
    );
    await readComments(
      context,
      some.map(({ oid }) => oid),
    );
    await readDefaults(
      context,
      some.map(({ oid }) => oid),
    );
    for (const { oid } of some) {
      const metadata = collector.of(oid);
      if (metadata !== undefined) found.set(oid, metadata);
    }
  }
  return found;
}

interface Context {
  readonly client: Client;
  readonly server: ServerFacts;
  readonly collector: MetadataCollector<number>;
}

/** Of constraints, and of unique indexes that cover all rows. */
async function readKeys({ client, server, collector }: Context, oids: readonly number[]): Promise<void> {
  const { rows } = await client.query<{
    readonly relation: number;
    readonly key: number;
    readonly name: string;
    readonly isPrimary: boolean;
    readonly column: string;
  }>(
    `SELECT i.indrelid AS relation, i.indexrelid AS key, ${selectText('c.relname', server)} AS name,
            i.indisprimary AS "isPrimary", ${selectText('a.attname', server)} AS "column"
     FROM pg_catalog.pg_index AS i
     JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
     CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (number, position)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
     WHERE i.indrelid = ANY ($1::pg_catalog.oid[]) AND (i.indisunique OR i.indisprimary) AND i.indisvalid
       AND i.indpred IS NULL AND i.indexprs IS NULL AND k.position <= i.indnkeyatts
     ORDER BY i.indrelid, c.relname, k.position`,
    [oids],
  );
  for (const { relation, key, name, isPrimary, column } of rows) {
    collector.addKeyColumn(relation, {
      key,
      name: readText(name, server),
      isPrimary,
      column: readText(column, server),
    });
  }
}

/** Without those whose rows refer to a period instead of a value. */
async function readForeignKeys({ client, server, collector }: Context, oids: readonly number[]): Promise<void> {
  const isPeriod = server.version >= 180000 ? 'f.conperiod' : 'false';
  const { rows } = await client.query<{
    readonly relation: number;
    readonly key: number;
    readonly name: string;
    readonly isValidated: boolean;
    readonly column: string;
    readonly schema: string;
    readonly table: string;
    readonly referenced: string;
  }>(
    // A partition has a copy of its parent's.
    `SELECT f.conrelid AS relation, f.oid AS key, ${selectText('f.conname', server)} AS name, f.convalidated AS "isValidated",
            ${selectText('a.attname', server)} AS "column", ${selectText('n.nspname', server)} AS schema,
            ${selectText('c.relname', server)} AS "table", ${selectText('b.attname', server)} AS referenced
     FROM pg_catalog.pg_constraint AS f
     JOIN pg_catalog.pg_class AS c ON c.oid = f.confrelid
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(f.conkey), pg_catalog.unnest(f.confkey))
       WITH ORDINALITY AS k (number, referenced, position)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = k.number
     JOIN pg_catalog.pg_attribute AS b ON b.attrelid = f.confrelid AND b.attnum = k.referenced
     WHERE f.conrelid = ANY ($1::pg_catalog.oid[]) AND f.contype = 'f' AND f.conparentid = 0 AND NOT ${isPeriod}
     ORDER BY f.conrelid, f.conname, f.oid, k.position`,
    [oids],
  );
  const text = (selected: string) => readText(selected, server);
  for (const { relation, key, isValidated, ...names } of rows) {
    collector.addForeignKeyColumn(relation, {
      key,
      name: text(names.name),
      column: text(names.column),
      references: { schema: text(names.schema), name: text(names.table) },
      referenced: text(names.referenced),
      isValidated,
    });
  }
}

async function readComments({ client, server, collector }: Context, oids: readonly number[]): Promise<void> {
  const { rows } = await client.query<{
    readonly relation: number;
    readonly column: string | null;
    readonly comment: string;
  }>(
    `SELECT d.objoid AS relation, ${selectText('a.attname', server)} AS "column",
            ${selectText('d.description', server)} AS comment
     FROM pg_catalog.pg_description AS d
     LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid <> 0
     WHERE d.objoid = ANY ($1::pg_catalog.oid[]) AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
     ORDER BY d.objoid, d.objsubid`,
    [oids],
  );
  for (const { relation, column, comment } of rows) {
    if (column === null) collector.setComment(relation, readText(comment, server));
    else collector.setColumn(relation, readText(column, server), { comment: readText(comment, server) });
  }
}

/** Without the expressions of generated columns. */
async function readDefaults({ client, server, collector }: Context, oids: readonly number[]): Promise<void> {
  const { rows } = await client.query<{
    readonly relation: number;
    readonly column: string;
    readonly expression: string;
  }>(
    `SELECT d.adrelid AS relation, ${selectText('a.attname', server)} AS "column",
            ${selectText('pg_catalog.pg_get_expr(d.adbin, d.adrelid)', server)} AS expression
     FROM pg_catalog.pg_attrdef AS d
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
     WHERE d.adrelid = ANY ($1::pg_catalog.oid[]) AND a.attgenerated = ''
     ORDER BY d.adrelid, d.adnum`,
    [oids],
  );
  for (const { relation, column, expression } of rows) {
    collector.setColumn(relation, readText(column, server), { default: readText(expression, server) });
  }
}
