import type { MssqlInfo } from '../../auth/entries.js';
import { trustedAuthorities } from '../../network/trusted-authorities.js';
import type { OpenOptions } from '../source.js';
import { parseConnectionString } from './connection-string.js';

/** Everything that a session needs, secrets included: plain data that goes to workers, never into a log. */
export interface MssqlSettings extends MssqlAddress {
  /** Id of the auth file's entry, for errors. */
  readonly entryId: string;
  /** Authorities whose certificates are trusted, in PEM form. */
  readonly authorities: readonly string[];
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
  /** Longest wait for a lock. */
  readonly lockTimeoutMs: number;
}

/** The part of the settings that single fields and a connection string have in common. */
export interface MssqlAddress {
  readonly server: string;
  /** A named instance, whose port the SQL Server Browser tells. Undefined where the port is given. */
  readonly instance: string | undefined;
  readonly port: number | undefined;
  /** Undefined for the login's own default. */
  readonly database: string | undefined;
  readonly authentication: MssqlAuthentication;
  readonly encrypt: boolean | 'strict';
  readonly trustServerCertificate: boolean;
  /** `ApplicationIntent=ReadOnly`: a readable secondary of an availability group will do. */
  readonly readOnlyIntent: boolean;
  readonly multiSubnetFailover: boolean;
  /** Name that the server's certificate has to have, where that is not the server's. */
  readonly certificateName?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
}

/** How the driver is to log in, in its own terms. */
export interface MssqlAuthentication {
  /** `default` for SQL Server's own logins, `ntlm` for a Windows domain's, or one of Microsoft Entra's. */
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

const DEFAULT_LOCK_TIMEOUT_MS = 30_000;

/** @throws LakeportError where the connection string cannot be used, or what names this machine's authorities */
export async function mssqlSettings(info: MssqlInfo, options: OpenOptions): Promise<MssqlSettings> {
  const { entryId } = options;
  const address =
    info.connectionString === undefined ? addressOf(info) : await parseConnectionString(info.connectionString, entryId);
  const isVerified = address.encrypt !== false && !address.trustServerCertificate;
  return {
    ...address,
    entryId,
    authorities: isVerified ? await trustedAuthorities() : [],
    database: options.database ?? address.database,
    connectTimeoutMs: address.connectTimeoutMs ?? info.connectTimeoutMs,
    statementTimeoutMs: info.statementTimeoutMs,
    lockTimeoutMs: options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS,
  };
}

function addressOf(info: Extract<MssqlInfo, { connectionString: undefined }>): MssqlAddress {
  const { server, instance, port, database, encrypt, trustServerCertificate } = info;
  return {
    server,
    // A port says all that the Browser could.
    instance: port === undefined ? instance : undefined,
    port,
    database,
    authentication: loginOf(info),
    encrypt,
    trustServerCertificate,
    readOnlyIntent: false,
    multiSubnetFailover: false,
  };
}

export interface Login {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly domain: string | undefined;
}

/** With a domain it is NTLM, else one of SQL Server's own logins. */
export function loginOf({ username = '', password = '', domain }: Login): MssqlAuthentication {
  if (domain === undefined) return { type: 'default', options: { userName: username, password } };
  return { type: 'ntlm', options: { userName: username, password, domain } };
}

/** `host:port` or `host\instance`, for people. */
export function displayAddress({ server, instance, port }: MssqlAddress): string {
  if (port === undefined) return `${server}\\${instance ?? ''}`;
  return server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`;
}
