import { readFile } from 'node:fs/promises';
import type { PostgresInfo, SslMode } from '../info.js';
import { LakeportError } from '../../../errors.js';
import { systemAuthorities, trustedAuthorities } from '../../../network/trusted-authorities.js';
import type { OpenOptions } from '../../source.js';
import { readPasswordFile } from './password-file.js';
import { textEncoding } from '../text-encoding.js';
import type { AuthenticationDemands } from './authentication-demands.js';
import type { DatabaseCharacters } from '../characters.js';
import { parseConnectionString } from './connection-string.js';
import type { PostgresAddress, PostgresHost, TargetSession, TlsVersions } from './address.js';

/**
 * Everything a session needs, secrets included: plain data that goes to workers and never into a log. Files have already
 * been read, so workers need no access to them.
 */
export interface PostgresSettings extends PostgresHost {
  /** Id of the auth file's entry, for errors. */
  readonly entryId: string;
  /** Hosts to try after this one, in order; none once the host is settled. */
  readonly others?: readonly PostgresHost[] | undefined;
  readonly targetSession?: TargetSession | undefined;
  readonly database: string;
  readonly username: string;
  readonly ssl: SslMode;
  /** In PEM form. */
  readonly certificates: {
    readonly ca?: string | readonly string[];
    readonly cert?: string;
    readonly key?: string;
    readonly crl?: string;
    readonly passphrase?: string;
  };
  readonly tlsVersions?: TlsVersions | undefined;
  /** `direct` starts TLS without asking first. */
  readonly tlsNegotiation?: 'direct' | undefined;
  readonly authentication?: AuthenticationDemands | undefined;
  /** The user's own server settings. */
  readonly options: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
  /** Longest wait for a table's lock. */
  readonly lockTimeoutMs: number;
  /** Whether tables include the rows of those that inherit from them; false by default. */
  readonly withHeirs?: boolean | undefined;
  /** Encoding of text in a database without one (`SQL_ASCII`); undefined if unknown. */
  readonly sourceEncoding?: string | undefined;
  /** For a database that is not in UTF-8: readers get its text unconverted. Known once connected. */
  readonly characters?: DatabaseCharacters | undefined;
  /** For columns with the mask `hash`. */
  readonly maskSalt?: string | undefined;
}

const DEFAULT_LOCK_TIMEOUT_MS = 30_000;

/** @throws LakeportError if the connection string or a certificate file cannot be read */
export async function postgresSettings(info: PostgresInfo, options: OpenOptions): Promise<PostgresSettings> {
  const { entryId } = options;
  const address: PostgresAddress =
    info.connectionString === undefined ? info : parseConnectionString(info.connectionString, entryId);
  const [ca, cert, key, crl] = await Promise.all([
    address.sslCa === 'system' ? systemStore() : readPem(address.sslCa, 'ssl_ca', entryId),
    readPem(address.sslCert, 'ssl_cert', entryId),
    readPem(address.sslKey, 'ssl_key', entryId),
    readPem(address.sslCrl, 'sslcrl', entryId),
  ]);
  // As in libpq: without a database, the one named like the user.
  const database = options.database ?? address.database ?? address.username;
  const withPasswords = await passwordsOf(address, database, entryId);
  const [first, ...others] = address.shuffled ? shuffle(withPasswords) : withPasswords;
  const ssl = sslOf(address, entryId);
  return {
    entryId,
    ...first,
    others,
    targetSession: address.targetSession,
    database,
    username: address.username,
    ssl,
    certificates: {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(crl && { crl }),
      ...(address.sslKeyPassword !== undefined && { passphrase: address.sslKeyPassword }),
    },
    tlsVersions: address.tlsVersions,
    tlsNegotiation: address.tlsNegotiation,
    authentication: address.authentication,
    options: { ...address.options, ...info.options },
    connectTimeoutMs: address.connectTimeoutMs ?? info.connectTimeoutMs,
    statementTimeoutMs: info.statementTimeoutMs,
    sourceEncoding: textEncoding(info.sourceEncoding, entryId),
    lockTimeoutMs: options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS,
    maskSalt: options.maskSalt,
    withHeirs: options.inherited === 'include',
  };
}

/** The system's trusted CAs, or Node's if it has none. */
async function systemStore(): Promise<readonly string[]> {
  const authorities = await systemAuthorities();
  return authorities.length > 0 ? authorities : trustedAuthorities();
}

/** Channel binding requires TLS, and public CAs, which certify anyone, require a check of the host name. */
function sslOf({ ssl, sslCa, authentication }: PostgresAddress, entryId: string): SslMode {
  if (sslCa === 'system' && ssl === 'prefer') return 'verify-full';
  if (sslCa === 'system' && ssl !== 'verify-full') {
    throw new LakeportError({
      code: 'TLS_MODE_TOO_WEAK',
      message: `"ssl" is "${ssl}", which is too weak for "ssl_ca": "system": anyone can get a certificate from a public CA`,
      hint: 'Use "ssl": "verify-full", or omit it',
      context: { entry: entryId, detail: 'ssl' },
    });
  }
  if (authentication?.channelBinding !== true || (ssl !== 'disable' && ssl !== 'prefer')) return ssl;
  if (ssl === 'prefer') return 'require';
  throw new LakeportError({
    code: 'CONNECTION_STRING_INVALID',
    message:
      'The connection string has channel_binding=require and sslmode=disable; without TLS there is nothing to bind to',
    hint: 'Use sslmode=require or more, or omit channel_binding',
    context: { entry: entryId, detail: 'connection_string' },
  });
}

/** The hosts, each with its password. */
async function passwordsOf(
  address: PostgresAddress,
  database: string,
  entryId: string,
): Promise<[PostgresHost, ...PostgresHost[]]> {
  const { server, port, hostaddr, username, password, passwordFile, others = [] } = address;
  const find =
    password === undefined && passwordFile !== undefined ? await readPasswordFile(passwordFile, entryId) : undefined;
  const withPassword = (host: PostgresHost): PostgresHost => ({
    ...host,
    password: find === undefined ? password : find({ ...host, database, username }),
  });
  return [withPassword({ server, port, hostaddr }), ...others.map(withPassword)];
}

function shuffle([first, ...others]: [PostgresHost, ...PostgresHost[]]): [PostgresHost, ...PostgresHost[]] {
  const hosts = [first, ...others];
  for (let i = hosts.length - 1; i > 0; i--) {
    const k = Math.floor(Math.random() * (i + 1));
    const [a, b] = [hosts[i] ?? first, hosts[k] ?? first];
    hosts[i] = b;
    hosts[k] = a;
  }
  const [chosen = first, ...rest] = hosts;
  return [chosen, ...rest];
}

export function isSocketDirectory(server: string): boolean {
  return server.startsWith('/');
}

/** `host:port` or the socket's path, for messages. */
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
      message: `The file ${path} of ${field} cannot be read`,
      hint: `Correct the path in the auth file, or let this user read the file`,
      context: { entry: entryId, path, detail: field },
      cause,
    });
  }
}
