import { isUtf8 } from 'node:buffer';
import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import { readText, selectBytes } from '../catalog/catalog-text.js';
import { readCharacters } from '../characters.js';
import type { PostgresSettings } from './settings.js';
import type { ServerFacts } from './server-facts.js';
import { SERVER_IDENTITY, STARTED_AT } from './server-identity.js';

const OLDEST = 120000;

/** Call it in a transaction. @throws LakeportError for a server that is too old */
export async function readServerFacts(
  client: Client,
  { withHeirs = false }: Pick<PostgresSettings, 'withHeirs'>,
): Promise<ServerFacts> {
  const { rows } = await client.query<Omit<ServerFacts, 'characters' | 'withHeirs'>>(`
    SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS "version",
           pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS "versionText",
           ${selectBytes('pg_catalog.current_database()')} AS "database",
           pg_catalog.current_setting('server_encoding') AS "encoding",
           pg_catalog.scale('1'::pg_catalog.money::pg_catalog.numeric) AS "moneyScale",
           pg_catalog.current_setting('block_size')::pg_catalog.int4 AS "blockSize",
           pg_catalog.pg_is_in_recovery() AS "isStandby",
           ${SERVER_IDENTITY} AS "identity",
           current_user AS "user",
           ${STARTED_AT} AS "startedAt",
           pg_catalog.current_setting('row_security')::pg_catalog.bool AS "rowSecurity"`);
  const [facts] = rows;
  if (facts === undefined || facts.version < OLDEST) {
    throw new LakeportError({
      code: 'SOURCE_TOO_OLD',
      message: `PostgreSQL ${facts?.versionText ?? 'of an unknown version'} is not supported`,
      hint: 'PostgreSQL 12 and later are supported',
    });
  }
  const { encoding } = facts;
  const hasOwn = encoding !== 'UTF8' && encoding !== 'SQL_ASCII';
  const characters = hasOwn ? await readCharacters(client, encoding) : undefined;
  return { ...facts, withHeirs, characters, database: databaseName(facts.database, { encoding, characters }) };
}

/** Database names have the encoding of the database that they were created from: decoded as UTF-8 if valid. */
function databaseName(selected: string, server: Pick<ServerFacts, 'encoding' | 'characters'>): string {
  const bytes = Buffer.from(selected, 'hex');
  return isUtf8(bytes) ? bytes.toString() : readText(selected, server);
}

/**
 * How many more connections the server accepts from this user: the smallest of what the server's, user's and database's
 * limits leave. Slots reserved for administrators do not count. Undefined if the server does not tell.
 */
export async function countFreeConnections(client: Client, { version }: ServerFacts): Promise<number | undefined> {
  const reserved = version >= 160000 ? `- pg_catalog.current_setting('reserved_connections')::pg_catalog.int4` : '';
  // Without pg_read_all_stats, users see that other sessions exist, and in which database, but not their type.
  const { rows } = await client.query<{ free: number | null }>(`
    WITH session AS (
      SELECT datname, usename FROM pg_catalog.pg_stat_activity
      WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL)
    )
    SELECT LEAST(
      pg_catalog.current_setting('max_connections')::pg_catalog.int4
        - pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4 ${reserved}
        - (SELECT pg_catalog.count(*) FROM session),
      (SELECT NULLIF(rolconnlimit, -1)
              - (SELECT pg_catalog.count(*) FROM session WHERE usename = rolname)
         FROM pg_catalog.pg_roles WHERE rolname = session_user AND NOT rolsuper),
      (SELECT NULLIF(datconnlimit, -1)
              - (SELECT pg_catalog.count(*) FROM session WHERE session.datname = d.datname)
         FROM pg_catalog.pg_database AS d WHERE datname = pg_catalog.current_database())
    )::pg_catalog.int4 AS free`);
  const free = rows[0]?.free;
  return free === undefined || free === null ? undefined : Math.max(0, free);
}
