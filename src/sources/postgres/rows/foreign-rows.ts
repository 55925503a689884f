import { detachPending } from '../catalog/leaf-relations.js';
import type { ServerFacts } from '../connection/server-facts.js';

/**
 * Everything that reads rows of foreign tables, as a recursive CTE `foreign_rows (class, oid)` over pg_class and pg_proc:
 * foreign tables, partitioned tables and parents with a foreign member, views over any of these, and functions whose body
 * is in the catalog (`BEGIN ATOMIC`). A materialized view has rows of its own. The catalog does not tell what other
 * functions read.
 */
export function foreignRows(server: ServerFacts): string {
  return `
    foreign_rows (class, oid) AS (
      SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid
      FROM pg_catalog.pg_class AS c WHERE c.relkind = 'f'
      UNION
      SELECT reader.class, reader.oid
      FROM foreign_rows AS read
      CROSS JOIN LATERAL (
        SELECT read.class, i.inhparent
        FROM pg_catalog.pg_inherits AS i
        WHERE i.inhrelid = read.oid AND read.class = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND NOT ${detachPending(server)}
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, v.oid
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
        JOIN pg_catalog.pg_class AS v ON v.oid = r.ev_class AND v.relkind = 'v'
        WHERE d.refclassid = read.class AND d.refobjid = read.oid AND d.deptype = 'n' AND r.ev_type = '1'
          AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        UNION ALL
        SELECT d.classid, d.objid
        FROM pg_catalog.pg_depend AS d
        WHERE d.refclassid = read.class AND d.refobjid = read.oid AND d.deptype = 'n'
          AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      ) AS reader (class, oid)
    )`;
}
