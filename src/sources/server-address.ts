import { connectionStringParts } from './connection-string-parts.js';

/** How the entries of servers say where to connect to: by single fields, or by a connection string. */
export type ServerInfoFields =
  | {
      readonly connectionString: undefined;
      readonly server: string;
      readonly instance?: string | undefined;
      readonly port: number | undefined;
      readonly database: string | undefined;
    }
  | { readonly connectionString: string };

/** `host:port/database`, for people. */
export function serverAddress(info: ServerInfoFields): string {
  if (info.connectionString === undefined) {
    const instance = info.instance === undefined ? '' : `\\${info.instance}`;
    const port = info.port === undefined ? '' : `:${info.port}`;
    return `${info.server}${instance}${port}${info.database === undefined ? '' : `/${info.database}`}`;
  }
  const { host, port, database } = connectionStringParts(info.connectionString);
  return `${host ?? '?'}${port === undefined ? '' : `:${port}`}${database === undefined ? '' : `/${database}`}`;
}

/** The database that the entry itself names. */
export function databaseOfEntry(info: ServerInfoFields): string | undefined {
  return info.connectionString === undefined ? info.database : connectionStringParts(info.connectionString).database;
}
