import type { DatabaseEntry } from '../../auth/entries.js';

export type PostgresEntry = DatabaseEntry<PostgresInfo>;

/** Either single fields or a connection string, distinguished by `connectionString === undefined`. */
export type PostgresInfo = PostgresFields | PostgresConnectionString;

interface PostgresSession {
  /** Server settings of every session, e.g. `search_path`. */
  readonly options: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
  /** Encoding of the text in a database without one (`SQL_ASCII`). */
  readonly sourceEncoding?: string | undefined;
}

export interface PostgresFields extends PostgresSession {
  readonly connectionString: undefined;
  /** Host name, address, or directory of a Unix socket. */
  readonly server: string;
  readonly port: number;
  readonly database: string | undefined;
  readonly username: string;
  readonly password: string | undefined;
  readonly ssl: SslMode;
  /** Paths of PEM files. */
  readonly sslCa: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  /** `direct` starts TLS without asking first. */
  readonly tlsNegotiation?: 'direct' | undefined;
}

interface PostgresConnectionString extends PostgresSession {
  /** `postgres://…` or libpq's `key=value` form, not parsed here. */
  readonly connectionString: string;
}

/** libpq's `sslmode`, without `allow`. */
export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
