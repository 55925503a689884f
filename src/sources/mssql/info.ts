import type { DatabaseEntry } from '../../auth/entries.js';

export type MssqlEntry = DatabaseEntry<MssqlInfo>;

/** Either single fields or a connection string, distinguished by `connectionString === undefined`. */
export type MssqlInfo = MssqlFields | MssqlConnectionString;

interface MssqlSession {
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
}

export interface MssqlFields extends MssqlSession {
  readonly connectionString: undefined;
  /** Without the instance. */
  readonly server: string;
  /** Named instance of `host\instance`. */
  readonly instance: string | undefined;
  /** Undefined if the SQL Server Browser resolves it from the instance name. */
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For NTLM. */
  readonly domain: string | undefined;
  readonly encrypt: boolean | 'strict';
  readonly trustServerCertificate: boolean;
}

interface MssqlConnectionString extends MssqlSession {
  /** ADO.NET form (`Server=…;Database=…`), not parsed here. */
  readonly connectionString: string;
}
