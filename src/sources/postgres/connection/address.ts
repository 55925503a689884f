import type { SecureVersion } from 'tls';
import type { SslMode } from '../info.js';
import type { AuthenticationDemands } from './authentication-demands.js';

/** The settings that can come from single fields or from a connection string. */
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
  /** Hosts are tried in random order. */
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

/** One of the hosts that may serve the database. */
export interface PostgresHost {
  /** Host name, address, or directory of a Unix socket. */
  readonly server: string;
  readonly port: number;
  /** Address to connect to instead; the name is then only compared with the certificate. */
  readonly hostaddr?: string | undefined;
  /** Password for this host, instead of the shared one. */
  readonly password?: string | undefined;
}

/** libpq's `target_session_attrs`. */
export type TargetSession = 'any' | 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby';
export interface TlsVersions {
  readonly least: SecureVersion | undefined;
  readonly most: SecureVersion | undefined;
}
