import type { SslMode } from '../info.js';
import { LakeportError } from '../../../errors.js';
import { AUTHENTICATION_METHODS, type AuthenticationMethod } from './authentication-demands.js';
import type { TargetSession } from './address.js';
import type { PostgresHost } from './address.js';
import type { PostgresAddress } from './address.js';

/**
 * libpq's connection strings: `postgres://user:password@host:port/database?sslmode=require` and
 * `host=... port=... user=...`, as in "Connection Strings" and "Parameter Key Words" of PostgreSQL's manual. Each
 * parameter has the same effect as there, is irrelevant to an export, or is rejected: none that the user may rely on is
 * silently ignored.
 */

const SSL_MODES: Readonly<Record<string, SslMode>> = {
  disable: 'disable',
  // "Unencrypted first, TLS if the server insists": all the user needs is that both work.
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

const TARGET_SESSIONS: readonly TargetSession[] = [
  'any',
  'read-write',
  'read-only',
  'primary',
  'standby',
  'prefer-standby',
];

const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;

/**
 * Parameters that are irrelevant to an export, whatever their value: application names, socket options (which this
 * program sets itself), and details of Kerberos, which it does not support and which a server that requires it reports.
 */
const WITHOUT_EFFECT = new Set([
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'gssdelegation',
  'gsslib',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'krbsrvname',
  'sslcompression',
  'tcp_user_timeout',
]);

/** Parameters of which only these values, lakeport's own behaviour, are accepted. */
const ONLY: Readonly<Record<string, { readonly values: readonly string[]; readonly instead: string }>> = {
  gssencmode: { values: ['disable', 'prefer'], instead: 'Encrypt by TLS: sslmode=verify-full' },
  max_protocol_version: { values: ['3.0', '3.2', 'latest'], instead: 'Leave it out' },
  min_protocol_version: { values: ['3.0'], instead: 'Leave it out' },
  replication: { values: ['false', 'off', 'no', '0'], instead: 'Leave it out' },
  sslcertmode: { values: ['allow', 'disable'], instead: "Require the certificate in the server's pg_hba.conf" },
  sslsni: { values: ['1'], instead: 'Leave it out' },
};

/** Parameters that cannot be ignored but are not supported. */
const REFUSED: Readonly<Record<string, string>> = {
  oauth_client_id: 'Use a password or a certificate',
  oauth_client_secret: 'Use a password or a certificate',
  oauth_issuer: 'Use a password or a certificate',
  oauth_scope: 'Use a password or a certificate',
  requirepeer: 'Connect by TCP with sslmode=verify-full',
  scram_client_key: 'Give the password',
  scram_server_key: 'Give the password',
  service: 'Write the parameters of the service into the connection string',
  servicefile: 'Write the parameters of the service into the connection string',
  sslcrldir: 'Give one file of revoked certificates as sslcrl',
  sslkeylogfile: 'Leave it out',
};

type Invalid = (problem: string, hint?: string) => LakeportError;
type Take = (name: string) => string | undefined;

/** @throws LakeportError that names the faulty part, never with the string itself */
export function parseConnectionString(text: string, entryId: string): PostgresAddress {
  const invalid: Invalid = (problem, hint) =>
    new LakeportError({
      code: 'CONNECTION_STRING_INVALID',
      message: `The connection string ${problem}`,
      hint: hint ?? 'Write postgres://user:password@host:5432/database, special characters percent-encoded',
      context: { entry: entryId, detail: 'connection_string' },
    });

  const parameters = /^postgres(ql)?:\/\//.test(text) ? fromUrl(text) : fromKeywords(text);
  if (parameters === undefined) throw invalid('cannot be parsed');

  const take: Take = (name) => {
    const value = parameters.get(name);
    parameters.delete(name);
    return value === '' ? undefined : value;
  };
  const [first, ...others] = hostsOf(take, invalid);
  const username = take('user');
  const address = {
    ...first,
    others,
    database: take('dbname'),
    password: take('password'),
    passwordFile: take('passfile'),
    ...tlsOf(take, invalid),
    authentication: {
      methods: methodsOf(take('require_auth'), invalid),
      channelBinding: oneOf(take, 'channel_binding', ['prefer', 'disable', 'require'], invalid) === 'require',
    },
    targetSession: oneOf(take, 'target_session_attrs', TARGET_SESSIONS, invalid),
    shuffled: oneOf(take, 'load_balance_hosts', ['disable', 'random'], invalid) === 'random',
    options: serverOptions(take('options') ?? '', invalid),
    connectTimeoutMs: connectTimeoutMs(take('connect_timeout'), invalid),
  };
  for (const [name, { values, instead }] of Object.entries(ONLY)) {
    const value = take(name);
    if (value !== undefined && !values.includes(value)) {
      throw invalid(`asks for ${name}=${value}, which lakeport does not support`, instead);
    }
  }
  for (const name of parameters.keys()) {
    if (WITHOUT_EFFECT.has(name)) continue;
    const instead = REFUSED[name];
    if (instead !== undefined) throw invalid(`has the parameter ${name}, which lakeport does not support`, instead);
    throw invalid(`has an unknown parameter, ${name}`, `Remove ${name}`);
  }
  if (username === undefined) throw invalid('names no user');
  return { ...address, username };
}

/** As in libpq, at least two seconds; zero and less, which mean no limit there, keep the entry's own. */
function connectTimeoutMs(text: string | undefined, invalid: Invalid): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\s*[-+]?\d+\s*$/.test(text))
    throw invalid(`has a connect_timeout that is not a number, ${text}`, 'Give it in seconds');
  const seconds = Number(text);
  return seconds <= 0 ? undefined : Math.max(2, seconds) * 1000;
}

/** `host`, `hostaddr` and `port` are comma-separated lists of the same length; a single port applies to all hosts. */
function hostsOf(take: Take, invalid: Invalid): [PostgresHost, ...PostgresHost[]] {
  const list = (name: string) => take(name)?.split(',') ?? [];
  const [names, addresses, ports] = [list('host'), list('hostaddr'), list('port')];
  if (names.length > 0 && addresses.length > 0 && names.length !== addresses.length) {
    throw invalid(
      `has ${names.length} hosts and ${addresses.length} hostaddr values`,
      'Give the same number of both, separated by commas',
    );
  }
  const count = Math.max(1, names.length, addresses.length);
  if (ports.length > 1 && ports.length !== count) {
    throw invalid(`has ${ports.length} ports for ${count} hosts`, 'Give one port for all hosts, or one for each');
  }
  const hosts = Array.from({ length: count }, (_, index): PostgresHost => {
    const port = Number((ports.length > 1 ? ports[index] : ports[0]) || 5432);
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw invalid('has an invalid port');
    const hostaddr = addresses[index] === '' ? undefined : addresses[index];
    return { server: names[index] || (hostaddr ?? 'localhost'), port, ...(hostaddr !== undefined && { hostaddr }) };
  });
  const [first = { server: 'localhost', port: 5432 }, ...others] = hosts;
  return [first, ...others];
}

function tlsOf(take: Take, invalid: Invalid) {
  const sslCa = take('sslrootcert');
  const isSystem = sslCa === 'system';
  // For JDBC URLs, libpq accepts this one value.
  const jdbc = take('ssl');
  if (jdbc !== undefined && jdbc !== 'true') throw invalid(`has an unknown ssl, ${jdbc}`, 'Use sslmode instead');
  const given = take('sslmode') ?? (jdbc === undefined ? undefined : 'require');
  const sslMode = given ?? (isSystem ? 'verify-full' : 'prefer');
  const ssl = SSL_MODES[sslMode];
  if (ssl === undefined) {
    throw invalid(`has an unknown sslmode, ${sslMode}`, `Use one of ${Object.keys(SSL_MODES).join(', ')}`);
  }
  if (isSystem && ssl !== 'verify-full') {
    throw invalid(
      `has sslmode=${sslMode}, which is too weak for sslrootcert=system: anyone can get a certificate from a public CA`,
      'Use sslmode=verify-full, or omit sslmode',
    );
  }
  const direct = oneOf(take, 'sslnegotiation', ['postgres', 'direct'], invalid) === 'direct';
  if (direct && (ssl === 'disable' || ssl === 'prefer')) {
    throw invalid(`has sslmode=${sslMode}, which is too weak for sslnegotiation=direct`, 'Use sslmode=require or more');
  }
  return {
    ssl,
    sslCa,
    sslCert: take('sslcert'),
    sslKey: take('sslkey'),
    sslKeyPassword: take('sslpassword'),
    sslCrl: take('sslcrl'),
    tlsNegotiation: direct ? ('direct' as const) : undefined,
    tlsVersions: {
      least: oneOf(take, 'ssl_min_protocol_version', TLS_VERSIONS, invalid),
      most: oneOf(take, 'ssl_max_protocol_version', TLS_VERSIONS, invalid),
    },
  };
}

/** A list of allowed methods, or of disallowed ones, each prefixed by an exclamation mark. */
function methodsOf(text: string | undefined, invalid: Invalid): readonly AuthenticationMethod[] | undefined {
  if (text === undefined) return undefined;
  const words = text.split(',').map((word) => word.trim());
  const negated = words.every((word) => word.startsWith('!'));
  const names = words.map((word) => (negated ? word.slice(1) : word));
  const unknown = names.find((name) => !AUTHENTICATION_METHODS.some((method) => method === name));
  if (unknown !== undefined) {
    throw invalid(
      `has an unknown require_auth, ${unknown}`,
      `Use some of ${AUTHENTICATION_METHODS.join(', ')}, or exclude methods by putting "!" before each`,
    );
  }
  return AUTHENTICATION_METHODS.filter((method) => names.includes(method) !== negated);
}

function oneOf<Word extends string>(
  take: Take,
  name: string,
  words: readonly Word[],
  invalid: Invalid,
): Word | undefined {
  const value = take(name);
  const known = words.find((word) => word === value);
  if (value !== undefined && known === undefined) {
    throw invalid(`has an unknown ${name}, ${value}`, `Use one of ${words.join(', ')}`);
  }
  return known;
}

function fromUrl(text: string): Map<string, string> | undefined {
  // The host may be a percent-encoded socket directory, a list, or empty: URL supports none of these.
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text);
  if (!match) return undefined;
  const [, credentials = '', authority = '', database = '', query = ''] = match;
  const hosts = authority.split(',').map((host) => /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host));
  if (hosts.includes(null)) return undefined;
  const colon = credentials.indexOf(':');
  const parameters = new Map<string, string>();
  try {
    const set = (name: string, value: string) => value !== '' && parameters.set(name, decodeURIComponent(value));
    set('user', colon < 0 ? credentials : credentials.slice(0, colon));
    set('password', colon < 0 ? '' : credentials.slice(colon + 1));
    const names = hosts.map((host) => host?.[1]?.replace(/^\[|\]$/g, '') ?? '');
    const ports = hosts.map((host) => host?.[2] ?? '');
    if (names.some((name) => name !== '')) set('host', names.join(','));
    if (ports.some((port) => port !== '')) set('port', ports.join(','));
    set('dbname', database);
    for (const part of query.split('&')) {
      const equals = part.indexOf('=');
      if (equals > 0) set(decodeURIComponent(part.slice(0, equals)), part.slice(equals + 1));
      else if (part !== '') return undefined;
    }
  } catch {
    // A percent sign that is not an escape.
    return undefined;
  }
  return parameters;
}

function fromKeywords(text: string): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/sy;
  const end = text.trimEnd().length;
  while (pair.lastIndex < end) {
    const match = pair.exec(text);
    if (!match) return undefined;
    const [, name = '', quoted, bare = ''] = match;
    parameters.set(name, (quoted ?? bare).replace(/\\(.)/gs, '$1'));
  }
  return parameters;
}

/** `-c name=value` and `--name=value`, with a backslash before each space within a value. */
function serverOptions(text: string, invalid: Invalid): Record<string, string> {
  const options: Record<string, string> = {};
  const rest = text.replace(/(?:-c\s*|--)([\w.-]+)=((?:[^\s\\]|\\.)*)/gs, (_, name: string, value: string) => {
    options[name.replaceAll('-', '_')] = value.replace(/\\(.)/gs, '$1');
    return '';
  });
  if (rest.trim() === '') return options;
  throw invalid('has options that are not server settings', 'Write each as -c name=value');
}
