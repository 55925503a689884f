import type { SecureVersion } from 'tls';
import type { SslMode } from './info.js';
import type { AuthenticationDemands } from './authentication-demands.js';

/** The part of the settings that single fields and a connection string have in common. */
export interface PostgresAddress extends PostgresHost {
  readonly database: string | undefined;
  readonly username: string;
  readonly password: string | undefined;
  readonly ssl: SslMode;
  /** Paths. */
  readonly sslCa: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly others?: readonly PostgresHost[];
  /** The hosts are tried in any order. */
  readonly shuffled?: boolean;
  readonly targetSession?: TargetSession | undefined;
  /** Path. */
  readonly passwordFile?: string | undefined;
  /** Path. */
  readonly sslCrl?: string | undefined;
  readonly sslKeyPassword?: string | undefined;
  readonly tlsVersions?: TlsVersions | undefined;
  readonly tlsNegotiation?: 'direct' | undefined;
  readonly authentication?: AuthenticationDemands | undefined;
}

/** One of the places where the database may be. */
export interface PostgresHost {
  /** Host name, address, or directory of a Unix socket. */
  readonly server: string;
  readonly port: number;
  /** Where to connect to in its stead; the name is that which the certificate has to have. */
  readonly hostaddr?: string | undefined;
  /** Of this host, in place of the password of all. */
  readonly password?: string | undefined;
}

/** libpq's `target_session_attrs`. */
export type TargetSession = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby';
export interface TlsVersions {
  readonly least: SecureVersion | undefined;
  readonly most: SecureVersion | undefined;
}
