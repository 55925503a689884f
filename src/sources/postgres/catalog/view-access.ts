import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import type { TableId } from '../../../model/table.js';
import { readText, selectText } from './catalog-text.js';
import { quoteName } from '../identifiers.js';
import { ROW_SECURITY_HINT } from '../errors.js';
import type { ServerFacts } from '../connection/server-facts.js';

interface ObstacleRow {
  readonly root: number;
  readonly kind: 'select' | 'execute' | 'row security';
  /** With its schema, quoted where needed: a table, or a function with its argument types. */
  readonly object: string;
  readonly view: string;
  readonly role: string;
  /** True for the view's owner, false for this user. */
  readonly isOwner: boolean;
}

/**
 * What prevents reading views that this user may select from, by the views' oids. Tables behind a view are read with the
 * privileges of the view's owner, or of the current user for a `security_invoker` view, whatever views are in between;
 * functions are called with the privileges of the current user.
 */
export async function viewObstacles(
  client: Client,
  server: ServerFacts,
  views: readonly number[],
): Promise<ReadonlyMap<number, LakeportError>> {
  if (views.length === 0) return new Map();
  const { rows } = await client.query<ObstacleRow>(
    `${useOf('(SELECT pg_catalog.unnest($1::pg_catalog.oid[]))')}, obstacle AS (
       SELECT use.root, 'select' AS kind, use.object::pg_catalog.regclass::pg_catalog.text AS object, use.view, use.role,
              NOT use.invokes AS is_owner
       FROM use
       JOIN pg_catalog.pg_class AS c ON c.oid = use.object AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       WHERE use.class = 'pg_catalog.pg_class'::pg_catalog.regclass
         AND NOT CASE WHEN use.part = 0 THEN pg_catalog.has_table_privilege(use.role, c.oid, 'SELECT')
                                             OR pg_catalog.has_any_column_privilege(use.role, c.oid, 'SELECT')
                      ELSE pg_catalog.has_column_privilege(use.role, c.oid, use.part::pg_catalog.int2, 'SELECT') END
       UNION ALL
       SELECT use.root, 'execute', use.object::pg_catalog.regprocedure::pg_catalog.text, use.view, use.me, false
       FROM use
       WHERE use.class = 'pg_catalog.pg_proc'::pg_catalog.regclass
         AND NOT pg_catalog.has_function_privilege(use.me, use.object, 'EXECUTE')
       UNION ALL
       SELECT use.root, 'row security', use.object::pg_catalog.regclass::pg_catalog.text, use.view, use.role,
              NOT use.invokes
       FROM use
       JOIN pg_catalog.pg_class AS c ON c.oid = use.object AND c.relrowsecurity
       JOIN pg_catalog.pg_roles AS reader ON reader.oid = use.role AND NOT reader.rolsuper AND NOT reader.rolbypassrls
       WHERE use.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND NOT $2::pg_catalog.bool
         AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(use.role, c.relowner, 'USAGE'))
     )
     SELECT DISTINCT ON (root) root, kind, ${selectText('object', server)} AS object,
            ${selectText('view::pg_catalog.regclass', server)} AS view,
            ${selectText('pg_catalog.pg_get_userbyid(role)', server)} AS role, is_owner AS "isOwner"
     FROM obstacle
     ORDER BY root, pg_catalog.array_position(ARRAY['select', 'execute', 'row security'], kind), obstacle.object`,
    [views, server.rowSecurity],
  );
  const text = (selected: string) => readText(selected, server);
  return new Map(
    rows.map(({ root, object, view, role, ...row }) => [
      root,
      obstacleError({ ...row, object: text(object), view: text(view), role: text(role) }),
    ]),
  );
}

/**
 * Starts a query of what views use, and with whose privileges: the expression `use`, with the oids of the view asked for
 * (`root`), of the view in it (`view`), of what that uses (`class`, `object`, `part` as in pg_depend), of the role that reads
 * it (`role`) and of this user (`me`).
 * @param views a subquery of their oids
 */
function useOf(views: string): string {
  return `WITH RECURSIVE view (root, oid) AS (
       SELECT v.oid, v.oid FROM ${views} AS v (oid)
       UNION
       SELECT view.root, c.oid
       FROM view
       JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = view.oid AND r.ev_type = '1'
       JOIN pg_catalog.pg_depend AS d
         ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
       JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind = 'v'
     ), use AS (
       SELECT view.root, view.oid AS view, d.refclassid AS class, d.refobjid AS object, d.refobjsubid AS part,
              reader.invokes, CASE WHEN reader.invokes THEN me.oid ELSE v.relowner END AS role, me.oid AS me
       FROM view
       JOIN pg_catalog.pg_class AS v ON v.oid = view.oid
       JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = v.oid AND r.ev_type = '1'
       JOIN pg_catalog.pg_depend AS d
         ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid AND d.refobjid <> v.oid
       JOIN pg_catalog.pg_roles AS me ON me.rolname = current_user
       CROSS JOIN LATERAL (
         SELECT EXISTS (
           SELECT FROM pg_catalog.unnest(v.reloptions) AS option (text)
           WHERE pg_catalog.lower(option.text) ~ '^security_invoker=(t|tr|tru|true|on|y|ye|yes|1)$') AS invokes
       ) AS reader
     )`;
}

interface ViewRow {
  readonly position: number;
}

/**
 * Positions of the views that are read from tables with column grants only. LOCK TABLE also locks those tables, for which it
 * requires a privilege on the whole table.
 */
export async function viewsOfColumnGrants(client: Client, views: readonly TableId[]): Promise<ReadonlySet<number>> {
  if (views.length === 0) return new Set();
  const { rows } = await client.query<ViewRow>(
    `WITH wanted AS (
       SELECT w.position, c.oid
       FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.name[]), pg_catalog.unnest($2::pg_catalog.name[]))
         WITH ORDINALITY AS w (schema, name, position)
       JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
       JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind = 'v'
     ) SELECT DISTINCT wanted.position::pg_catalog.int4 - 1 AS position
     FROM wanted JOIN (
       ${useOf('(SELECT oid FROM wanted)')}
       SELECT use.root FROM use
       WHERE use.class = 'pg_catalog.pg_class'::pg_catalog.regclass
         AND NOT pg_catalog.has_table_privilege(use.role, use.object, 'SELECT')
     ) AS denied ON denied.root = wanted.oid`,
    [views.map(({ schema }) => schema), views.map(({ name }) => name)],
  );
  return new Set(rows.map(({ position }) => position));
}

function obstacleError({ kind, object, view, role, isOwner }: Omit<ObstacleRow, 'root'>): LakeportError {
  const whose = isOwner ? `the privileges of its owner, ${role}` : `the privileges of this user, ${role}`;
  const grantee = `${quoteName(role)}${isOwner ? ' (the owner of the view)' : ''}`;
  if (kind === 'row security') {
    return new LakeportError({
      code: 'TABLE_ROW_SECURITY',
      message: `Row security policies of ${object} would hide rows of it from the view ${view}, which reads with ${whose}`,
      hint: isOwner
        ? `ALTER ROLE ${grantee} BYPASSRLS, or export only what the policies show with "options": {"row_security": "on"} in the entry`
        : ROW_SECURITY_HINT,
    });
  }
  const [verb, right] = kind === 'select' ? ['reads', 'SELECT ON'] : ['calls', 'EXECUTE ON FUNCTION'];
  return new LakeportError({
    code: 'TABLE_PERMISSION_DENIED',
    message: `Permission denied for ${object}, which the view ${view} ${verb} with ${whose}`,
    hint: `GRANT ${right} ${object} TO ${grantee}, or leave the view out with --exclude`,
  });
}
