import type mssql from 'mssql';

import { connectionStringParts } from '../../auth/connection-string.js';
import type { MssqlFields, MssqlInfo } from '../../auth/entries.js';

/** The log is written by one statement after the other, and keeps its connection between them. */
const POOL = { min: 0, max: 1, idleTimeoutMillis: 600_000 };

/** A statement that takes longer is given up, and tried again later. */
const REQUEST_TIMEOUT_MS = 30_000;

const DEFAULT_PORT = 1433;

/** The entry as the `mssql` package takes it. */
export function mssqlConfiguration(info: MssqlInfo, driver: typeof mssql): mssql.config {
  const common = {
    connectionTimeout: info.connectTimeoutMs,
    requestTimeout: info.statementTimeoutMs ?? REQUEST_TIMEOUT_MS,
    pool: POOL,
  };
  if (info.connectionString === undefined) return { ...fromFields(info), ...common };
  return { ...driver.ConnectionPool.parseConnectionString(info.connectionString), ...common };
}

/** `host:port/database` or `host\instance/database`, for people. */
export function mssqlAddress(info: MssqlInfo): string {
  if (info.connectionString !== undefined) {
    const { host, database } = connectionStringParts(info.connectionString);
    return `${host ?? 'localhost'}/${database ?? 'default database'}`;
  }
  const place = info.instance === undefined ? `:${info.port ?? DEFAULT_PORT}` : `\\${info.instance}`;
  return `${info.server}${place}/${info.database ?? 'default database'}`;
}

function fromFields(info: MssqlFields): mssql.config {
  const { server, port, instance, database, username, password, domain } = info;
  return {
    server,
    ...(port !== undefined && { port }),
    ...(database !== undefined && { database }),
    ...(username !== undefined && { user: username }),
    ...(password !== undefined && { password }),
    ...(domain !== undefined && { domain }),
    options: {
      // The driver's type knows only booleans, the driver itself also TDS 8.0's `strict`.
      encrypt: info.encrypt as boolean,
      trustServerCertificate: info.trustServerCertificate,
      ...(instance !== undefined && { instanceName: instance }),
      appName: 'lakeport',
      useUTC: true,
    },
  };
}
