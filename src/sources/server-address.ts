import { connectionStringParts } from './connection-string-parts.js';

/** The connection part of a server's entry: single fields, or a connection string. */
export type ServerInfoFields =
  | {
      readonly connectionString: undefined;
      readonly server: string;
      readonly instance?: string | undefined;
      readonly port: number | undefined;
      readonly database: string | undefined;
    }
  | { readonly connectionString: string };

/** `host:port/database`, for messages. */
export function serverAddress(info: ServerInfoFields): string {
  if (info.connectionString === undefined) {
    const instance = info.instance === undefined ? '' : `\\${info.instance}`;
    const port = info.port === undefined ? '' : `:${info.port}`;
    return `${info.server}${instance}${port}${info.database === undefined ? '' : `/${info.database}`}`;
  }
  const { host, port, database } = connectionStringParts(info.connectionString);
  return `${host ?? '?'}${port === undefined ? '' : `:${port}`}${database === undefined ? '' : `/${database}`}`;
}

/** The database in the entry. */
export function databaseOfEntry(info: ServerInfoFields): string | undefined {
  return info.connectionString === undefined ? info.database : connectionStringParts(info.connectionString).database;
}
