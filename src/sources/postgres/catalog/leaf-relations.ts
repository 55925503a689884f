import type { Client } from 'pg';
import { decodeText, selectText } from './catalog-text.js';
import type { ServerFacts } from '../connection/server-facts.js';
import type { Member } from '../rows/slices.js';

/**
 * What catalog queries need to know about the relations that hold a table's rows: the leaves of a partitioned table, a
 * parent and its children, or just the table.
 */

/** `pg_class.relkind` of relations that can be exported. */
export type RelationKind = 'r' | 'p' | 'v' | 'm' | 'f';

/**
 * Members of the relations that `roots` (a query of one column, the oid) yields, as a recursive CTE `member (root, oid)`.
 * A root is its own member; partitions are members, and tables that inherit from it if they count. Other sessions'
 * temporary children are excluded, as in `SELECT * FROM root`.
 * @param options.name of the CTE
 */
export function memberTables(
  roots: string,
  server: ServerFacts,
  { name = 'member', withHeirs = server.withHeirs }: { readonly name?: string; readonly withHeirs?: boolean } = {},
): string {
  return `
    ${name} (root, oid) AS (
      SELECT root.oid, root.oid FROM (${roots}) AS root (oid)
      UNION
      SELECT ${name}.root, i.inhrelid
      FROM ${name}
      JOIN pg_catalog.pg_inherits AS i ON i.inhparent = ${name}.oid
      JOIN pg_catalog.pg_class AS child ON child.oid = i.inhrelid
      WHERE child.relpersistence <> 't' AND NOT ${detachPending(server)}${withHeirs ? '' : ' AND child.relispartition'}
    )`;
}

/** True for a row `i` of pg_inherits with a pending `DETACH … CONCURRENTLY`: it no longer belongs to the parent. */
export function detachPending({ version }: ServerFacts): string {
  return version >= 140000 ? 'i.inhdetachpending' : 'false';
}

/**
 * Joins that give, for the relation `c` of pg_class, `storage.pages`, `storage.bytes` (with TOAST, without indexes) and
 * `estimate.rows`; NULL if unknown. `onDisk` is a condition on an oid: true to get the size from disk, which waits for a
 * lock while the table is rewritten; false to take the catalog's, from the last VACUUM or ANALYZE.
 */
export function storageJoins({ blockSize }: ServerFacts, onDisk: (oid: string) => string): string {
  const bytes = (relation: string) => `
    CASE WHEN ${onDisk(`${relation}.oid`)} THEN pg_catalog.pg_relation_size(${relation}.oid::pg_catalog.regclass)
         ELSE ${relation}.relpages::pg_catalog.int8 * ${blockSize} END`;
  // OFFSET 0 keeps the server from computing the size again at each use.
  return `
    LEFT JOIN pg_catalog.pg_class AS toast ON toast.oid = c.reltoastrelid AND c.reltoastrelid <> 0
    CROSS JOIN LATERAL (
      SELECT CASE WHEN c.relkind IN ('r', 'm') THEN ${bytes('c')} END AS main,
             CASE WHEN toast.oid IS NULL THEN 0 ELSE ${bytes('toast')} END AS toasted
      OFFSET 0
    ) AS size
    CROSS JOIN LATERAL (SELECT size.main + size.toasted AS bytes, size.main / ${blockSize} AS pages) AS storage
    CROSS JOIN LATERAL (SELECT ${rowEstimate(blockSize)} AS rows) AS estimate`;
}

/**
 * As the server's planner estimates (estimate_rel_size): the density at the last VACUUM or ANALYZE times the current
 * pages; if never analysed (reltuples -1, or 0 before 14), the density from the columns' average widths.
 */
function rowEstimate(blockSize: number): string {
  const pageHeader = 24;
  const rowHeader = 28;
  return `
    CASE WHEN c.relkind = 'f' THEN CASE WHEN c.reltuples > 0 THEN c.reltuples::pg_catalog.float8 END
         WHEN storage.pages = 0 THEN 0
         WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples::pg_catalog.float8 / c.relpages * storage.pages
         WHEN c.reltuples = 0 AND c.relpages >= storage.pages THEN 0
         ELSE storage.pages * GREATEST(1, ${blockSize - pageHeader} / (${rowHeader} + (
           SELECT COALESCE(pg_catalog.sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END), 0)
           FROM pg_catalog.pg_attribute AS a
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))
    END`;
}

interface MemberRow {
  readonly root: number;
  readonly schema: string;
  readonly name: string;
  readonly byPage: boolean;
  readonly pages: number | null;
  readonly bytes: number | null;
  readonly rows: number | null;
  readonly readable: boolean;
}

/**
 * The relations that hold each table's rows: the table first, then the others by name. Undefined for a table of which one
 * can only be read through the table itself: this user may not read it or all of its rows, or its name cannot be written.
 * One query, however many tables.
 * @param roots oids of the tables
 */
export async function readMembers(
  client: Client,
  server: ServerFacts,
  roots: readonly number[],
): Promise<ReadonlyMap<number, readonly Member[] | undefined>> {
  // Page ranges can be read without a full scan since 14, and only have a meaning in heaps.
  const byPage = server.version >= 140000 ? `c.relkind IN ('r', 'm') AND am.amname = 'heap'` : 'false';
  const { rows } = await client.query<MemberRow>(
    `WITH RECURSIVE ${memberTables('SELECT pg_catalog.unnest($1::pg_catalog.oid[])', server)}
     SELECT member.root, ${selectText('n.nspname', server)} AS schema, ${selectText('c.relname', server)} AS name,
            COALESCE(${byPage}, false) AS "byPage", storage.pages::pg_catalog.float8 AS pages,
            storage.bytes::pg_catalog.float8 AS bytes, pg_catalog.round(estimate.rows) AS rows,
            pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
              AND NOT pg_catalog.row_security_active(c.oid) AS readable
     FROM member
     JOIN pg_catalog.pg_class AS c ON c.oid = member.oid AND c.relkind <> 'p'
     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_am AS am ON am.oid = c.relam
     ${storageJoins(server, () => 'true')}
     ORDER BY member.oid <> member.root, n.nspname, c.relname`,
    [roots],
  );
  const members = new Map<number, Member[] | undefined>(roots.map((root) => [root, []]));
  for (const { root, readable, pages, bytes, rows: estimate, ...row } of rows) {
    const schema = decodeText(row.schema, server);
    const name = decodeText(row.name, server);
    if (!readable || !schema.isWhole || !name.isWhole) members.set(root, undefined);
    members.get(root)?.push({
      id: { schema: schema.text, name: name.text },
      byPage: row.byPage,
      pages: pages ?? 0,
      bytes: bytes ?? 0,
      rows: estimate ?? undefined,
    });
  }
  return members;
}
