import { tableName } from '../../../model/table.js';
import type { Client } from 'pg';
import type { OtherRelation } from '../../source.js';
import { readText, selectText } from './catalog-text.js';
import { detachPending } from './leaf-relations.js';
import type { ServerFacts } from '../connection/server-facts.js';

interface OtherRow {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly isTemporary: boolean;
  readonly parentSchema: string | null;
  readonly parentName: string | null;
}

/** By `pg_class.relkind`. */
const KINDS: Readonly<Record<string, string>> = {
  S: 'a sequence, and sequences are not exported',
  i: 'an index',
  I: 'an index',
  c: 'a composite type, which has no rows',
  t: 'an internal table of the server for long values',
};

/**
 * Everything that shares the tables' namespace and is not listed as a table: partitions, sequences, temporary tables,
 * system tables.
 */
export async function listOthers(client: Client, server: ServerFacts): Promise<OtherRelation[]> {
  const { rows } = await client.query<OtherRow>(`
    WITH RECURSIVE parent (oid, root) AS (
      SELECT i.inhrelid, i.inhparent
      FROM pg_catalog.pg_inherits AS i
      JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind IN ('r', 'p', 'f')
      WHERE NOT ${detachPending(server)}
      UNION
      SELECT parent.oid, i.inhparent
      FROM parent
      JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = parent.root
      JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
      WHERE NOT ${detachPending(server)}
    )
    SELECT ${selectText('n.nspname', server)} AS schema, ${selectText('c.relname', server)} AS name,
           c.relkind::pg_catalog.text AS kind, c.relpersistence = 't' AS "isTemporary",
           ${selectText('rn.nspname', server)} AS "parentSchema", ${selectText('rc.relname', server)} AS "parentName"
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN (parent JOIN pg_catalog.pg_class AS rc ON rc.oid = parent.root AND NOT rc.relispartition
               JOIN pg_catalog.pg_namespace AS rn ON rn.oid = rc.relnamespace) ON parent.oid = c.oid
    WHERE parent.oid IS NOT NULL OR c.relkind NOT IN ('r', 'p', 'f', 'v', 'm')
       OR n.nspname = 'information_schema' OR n.nspname ~ '^pg_'
    ORDER BY n.nspname, c.relname`);
  return rows.map(({ schema, name, kind, isTemporary, parentSchema, parentName }) => {
    const id = { schema: readText(schema, server), name: readText(name, server) };
    if (parentSchema === null || parentName === null) return { id, what: whatIs(kind, isTemporary) };
    const partOf = { schema: readText(parentSchema, server), name: readText(parentName, server) };
    return { id, partOf, what: `a partition of ${tableName(partOf)}, which is exported with its rows` };
  });
}

function whatIs(kind: string, isTemporary: boolean): string {
  const known = KINDS[kind];
  if (known !== undefined) return known;
  return isTemporary
    ? 'a temporary table, which only the session that created it can read'
    : "one of the system's own tables, which are not exported";
}
