import type { Client } from 'pg';
import { wholeTable } from '../../../model/dataset.js';
import type { OptIn } from '../../opt-ins.js';
import type { TableId, TableKind } from '../../../model/table.js';
import type { SourceTable } from '../../source.js';
import { decodeText, selectText } from './catalog-text.js';
import { foreignRows } from '../rows/foreign-rows.js';
import { detachPending, memberTables, storageJoins, type RelationKind } from './leaf-relations.js';
import type { ServerFacts } from '../connection/server-facts.js';

/** Lists the exportable tables in a single query, however many there are. */

const KINDS: Readonly<Record<RelationKind, TableKind>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

interface ListedRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly isOfExtension: boolean;
  readonly isForeign: boolean;
  /** Oids of the listed tables that inherit from it. */
  readonly heirs: number[] | null;
}

export interface ListedTable extends SourceTable {
  /** False if the name has invalid bytes, so that the table cannot be queried. */
  readonly hasReadableName: boolean;
}

/** SQLSTATE of a lock that was not granted in time. */
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * User tables by schema and name, including those that are only exported on request; no system or temporary tables.
 * Partitions are part of their parent. A table that others inherit from is listed, and so are its children: each with its
 * own rows, or with those that `SELECT * FROM` it returns. Sizes include all members.
 */
export async function listTables(client: Client, server: ServerFacts): Promise<ListedTable[]> {
  await client.query('SAVEPOINT sizes');
  const rows = await list(client, server, { onDisk: true }).catch(async (error: unknown) => {
    const locked = error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;
    if (!locked) throw error;
    await client.query('ROLLBACK TO SAVEPOINT sizes');
    return list(client, server, { onDisk: false });
  });
  const named = rows.map((row) => {
    const schema = decodeText(row.schema, server);
    const name = decodeText(row.name, server);
    const id: TableId = { schema: schema.text, name: name.text };
    return { row, id, hasReadableName: schema.isWhole && name.isWhole };
  });
  const ids = new Map(named.map(({ row, id }) => [row.oid, id]));
  return named.map(({ row, id, hasReadableName }) => {
    const optIns = optInsOf(row);
    const family = row.heirs?.flatMap((oid) => ids.get(oid) ?? []) ?? [];
    return {
      dataset: wholeTable(id),
      id,
      kind: KINDS[row.kind],
      estimatedRows: row.rows ?? undefined,
      estimatedBytes: row.bytes ?? undefined,
      hasReadableName,
      ...(optIns.length > 0 && { optIns }),
      ...(row.isForeign && { isForeign: true }),
      ...(family.length > 0 && (server.withHeirs ? { contains: family } : { heirs: family })),
    };
  });
}

function optInsOf({ kind, isOfExtension, isForeign }: ListedRow): OptIn[] {
  return [
    ...(kind === 'v' || kind === 'm' ? (['views'] as const) : []),
    ...(isForeign ? (['foreign_tables'] as const) : []),
    ...(isOfExtension ? (['extension_tables'] as const) : []),
  ];
}

async function list(
  client: Client,
  server: ServerFacts,
  { onDisk }: { readonly onDisk: boolean },
): Promise<ListedRow[]> {
  // Rewriting a table takes ACCESS EXCLUSIVE, and every later request queues behind one that waits for it.
  const exclusive = `
    SELECT relation FROM pg_catalog.pg_locks
    WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND relation IS NOT NULL`;
  const { rows } = await client.query<ListedRow>(`
    WITH RECURSIVE listed AS (
      SELECT c.oid, n.nspname, c.relname, c.relkind, EXISTS (
               SELECT FROM pg_catalog.pg_depend AS d
               WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
             ) AS of_extension
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
        AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND (NOT c.relispartition OR EXISTS (
          SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid AND ${detachPending(server)}))
    ), ${memberTables('SELECT oid FROM listed', server)}, ${foreignRows(server)},
    ${memberTables('SELECT oid FROM listed', server, { name: 'family', withHeirs: true })},
    heir AS (
      SELECT family.root, pg_catalog.array_agg(family.oid ORDER BY child.nspname, child.relname) AS oids
      FROM family
      JOIN listed AS child ON child.oid = family.oid
      WHERE family.root <> family.oid
      GROUP BY family.root
    ),
    exclusive AS MATERIALIZED (${exclusive}),
    total AS (
      SELECT member.root, pg_catalog.sum(estimate.rows) AS rows, pg_catalog.sum(storage.bytes) AS bytes
      FROM member
      JOIN pg_catalog.pg_class AS c ON c.oid = member.oid
      ${storageJoins(server, (oid) => (onDisk ? `${oid} NOT IN (SELECT relation FROM exclusive)` : 'false'))}
      GROUP BY member.root
    )
    SELECT listed.oid, ${selectText('nspname', server)} AS schema, ${selectText('relname', server)} AS name,
           relkind::pg_catalog.text AS kind, pg_catalog.round(total.rows)::pg_catalog.float8 AS rows,
           total.bytes::pg_catalog.float8 AS bytes, of_extension AS "isOfExtension", heir.oids AS heirs,
           ${server.withHeirs ? '' : `listed.relkind <> 'r' AND `}listed.oid IN (
             SELECT foreign_rows.oid FROM foreign_rows
             WHERE foreign_rows.class = 'pg_catalog.pg_class'::pg_catalog.regclass) AS "isForeign"
    FROM listed
    JOIN total ON total.root = listed.oid
    LEFT JOIN heir ON heir.root = listed.oid
    ORDER BY nspname, relname`);
  return rows;
}
