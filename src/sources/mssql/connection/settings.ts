import type { MssqlInfo } from '../info.js';
import { trustedAuthorities } from '../../../network/trusted-authorities.js';
import type { OpenOptions } from '../../source.js';
import { loginOf, type MssqlAddress } from './address.js';
import { parseConnectionString } from './connection-string.js';

/** Everything a session needs, secrets included: plain data that goes to workers and never into a log. */
export interface MssqlSettings extends MssqlAddress {
  /** Id of the auth file's entry, for errors. */
  readonly entryId: string;
  /** Trusted CA certificates in PEM form. */
  readonly authorities: readonly string[];
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
  /** Longest wait for a lock. */
  readonly lockTimeoutMs: number;
  /** For columns with the mask `hash`. */
  readonly maskSalt?: string | undefined;
}

const DEFAULT_LOCK_TIMEOUT_MS = 30_000;

/** @throws LakeportError if the connection string, or a file of this machine's trusted CAs, cannot be used */
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
    maskSalt: options.maskSalt,
  };
}

function addressOf(info: Extract<MssqlInfo, { connectionString: undefined }>): MssqlAddress {
  const { server, instance, port, database, encrypt, trustServerCertificate } = info;
  return {
    server,
    // With a port there is no need for the Browser.
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
