import { readFile } from 'node:fs/promises';
import type { PostgresInfo, SslMode } from '../../auth/entries.js';
import { LakeportError } from '../../errors.js';
import type { OpenOptions } from '../source.js';
import { textEncoding } from './text-encoding.js';
import type { DatabaseCharacters } from './characters.js';
import { parseConnectionString } from './connection-string.js';

/**
 * Everything that a session needs, secrets included: plain data that goes to workers, never into a log. Files are read
 * already, so that a worker needs no access to them.
 */
export interface PostgresSettings {
  /** Id of the auth file's entry, for errors. */
  readonly entryId: string;
  /** Host name, address, or directory of a Unix socket. */
  readonly server: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: string | undefined;
  readonly ssl: SslMode;
  /** PEM texts. */
  readonly certificates: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** The user's own server settings. */
  readonly options: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
  /** Longest wait for a table's lock. */
  readonly lockTimeoutMs: number;
  /** What the text of a database without an encoding (`SQL_ASCII`) is in; undefined where nobody knows. */
  readonly sourceEncoding?: string | undefined;
  /** Of a database in another encoding than UTF-8: for readers, which get its text as it is. Known once connected. */
  readonly characters?: DatabaseCharacters | undefined;
}

/** The part of the settings that single fields and a connection string have in common. */
export interface PostgresAddress {
  readonly server: string;
  readonly port: number;
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
}

const DEFAULT_LOCK_TIMEOUT_MS = 30_000;

/** @throws LakeportError where the connection string or a certificate's file cannot be read */
export async function postgresSettings(info: PostgresInfo, options: OpenOptions): Promise<PostgresSettings> {
  const { entryId } = options;
  const address: PostgresAddress =
    info.connectionString === undefined ? info : parseConnectionString(info.connectionString, entryId);
  const [ca, cert, key] = await Promise.all([
    readPem(address.sslCa, 'ssl_ca', entryId),
    readPem(address.sslCert, 'ssl_cert', entryId),
    readPem(address.sslKey, 'ssl_key', entryId),
  ]);
  return {
    entryId,
    server: address.server,
    port: address.port,
    // As libpq has it: without a database, the one with the user's name.
    database: options.database ?? address.database ?? address.username,
    username: address.username,
    password: address.password,
    ssl: isSocketDirectory(address.server) ? 'disable' : address.ssl,
    certificates: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    options: { ...address.options, ...info.options },
    connectTimeoutMs: address.connectTimeoutMs ?? info.connectTimeoutMs,
    statementTimeoutMs: info.statementTimeoutMs,
    sourceEncoding: textEncoding(info.sourceEncoding, entryId),
    lockTimeoutMs: options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS,
  };
}

export function isSocketDirectory(server: string): boolean {
  return server.startsWith('/');
}

/** `host:port` or the socket's path, for people. */
export function displayAddress({ server, port }: { readonly server: string; readonly port: number }): string {
  if (isSocketDirectory(server)) return `${server}/.s.PGSQL.${port}`;
  return server.includes(':') ? `[${server}]:${port}` : `${server}:${port}`;
}

async function readPem(path: string | undefined, field: string, entryId: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new LakeportError({
      code: 'CERTIFICATE_NOT_READABLE',
      exit: 'usage',
      message: `the file of ${field}, ${path}, cannot be read`,
      hint: `correct the path in the auth file, or let this user read the file`,
      context: { entry: entryId, path, detail: field },
      cause,
    });
  }
}
