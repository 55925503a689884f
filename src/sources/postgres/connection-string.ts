import type { SslMode } from '../../auth/entries.js';
import { LakeportError } from '../../errors.js';
import type { PostgresAddress } from './settings.js';

/**
 * libpq's connection strings: `postgres://user:password@host:port/database?sslmode=require` and
 * `host=… port=… user=…`, as in the chapter "Connection Strings" of PostgreSQL's manual. One host only.
 */

const SSL_MODES: Readonly<Record<string, SslMode>> = {
  disable: 'disable',
  // "Plain first, TLS if the server insists": what matters to the user is that both work.
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

/** Parameters of libpq that change nothing for an export: how it is named, and how the socket is kept. */
const IGNORED = new Set([
  'application_name',
  'fallback_application_name',
  'client_encoding',
  'channel_binding',
  'gssencmode',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'sslsni',
  'target_session_attrs',
  'tcp_user_timeout',
]);

/** @throws LakeportError naming the part that is wrong, never with the string itself */
export function parseConnectionString(text: string, entryId: string): PostgresAddress {
  const invalid = (problem: string, hint?: string) =>
    new LakeportError({
      code: 'CONNECTION_STRING_INVALID',
      exit: 'usage',
      message: `the connection string ${problem}`,
      hint: hint ?? 'write postgres://user:password@host:5432/database, special characters percent-encoded',
      context: { entry: entryId, detail: 'connection_string' },
    });

  const parameters = /^postgres(ql)?:\/\//.test(text) ? fromUrl(text) : fromKeywords(text);
  if (parameters === undefined) throw invalid('cannot be parsed');

  const take = (name: string): string | undefined => {
    const value = parameters.get(name);
    parameters.delete(name);
    return value === '' ? undefined : value;
  };
  const server = take('host') ?? take('hostaddr') ?? 'localhost';
  if (server.includes(',')) throw invalid('names several hosts', 'name the one host to read from');
  const port = Number(take('port') ?? 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw invalid('has a port that is not one');
  const username = take('user');
  if (username === undefined) throw invalid('names no user');
  const sslMode = take('sslmode') ?? 'prefer';
  const ssl = SSL_MODES[sslMode];
  if (ssl === undefined) {
    throw invalid(`has an unknown sslmode, ${sslMode}`, `use one of ${Object.keys(SSL_MODES).join(', ')}`);
  }
  const timeout = take('connect_timeout');
  const address: PostgresAddress = {
    server,
    port,
    database: take('dbname'),
    username,
    password: take('password'),
    ssl,
    sslCa: take('sslrootcert'),
    sslCert: take('sslcert'),
    sslKey: take('sslkey'),
    options: serverOptions(take('options') ?? ''),
    connectTimeoutMs: timeout === undefined ? undefined : Math.max(2, Number(timeout)) * 1000 || undefined,
  };
  const unknown = [...parameters.keys()].find((name) => !IGNORED.has(name));
  if (unknown !== undefined) throw invalid(`has an unknown parameter, ${unknown}`, `remove ${unknown}`);
  return address;
}

function fromUrl(text: string): Map<string, string> | undefined {
  // Socket directories stand percent-encoded in the host's place, and the host may be missing: URL takes neither.
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?(\[[^\]]*\]|[^:/?]*)(?::(\d*))?(?:\/([^?]*))?(?:\?(.*))?$/s.exec(
    text,
  );
  if (!match) return undefined;
  const [, credentials = '', host = '', port = '', database = '', query = ''] = match;
  const colon = credentials.indexOf(':');
  const parameters = new Map<string, string>();
  try {
    const set = (name: string, value: string) => value !== '' && parameters.set(name, decodeURIComponent(value));
    set('user', colon < 0 ? credentials : credentials.slice(0, colon));
    set('password', colon < 0 ? '' : credentials.slice(colon + 1));
    set('host', host.replace(/^\[|\]$/g, ''));
    set('port', port);
    set('dbname', database);
    for (const part of query.split('&')) {
      const equals = part.indexOf('=');
      if (equals > 0) set(decodeURIComponent(part.slice(0, equals)), part.slice(equals + 1));
    }
  } catch {
    // A percent sign that starts no escape.
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

/** `-c name=value` and `--name=value`, with backslashes before spaces that belong to the value. */
function serverOptions(text: string): Record<string, string> {
  const options: Record<string, string> = {};
  for (const match of text.matchAll(/(?:-c\s*|--)([\w.-]+)=((?:[^\s\\]|\\.)*)/gs)) {
    const [, name = '', value = ''] = match;
    options[name.replaceAll('-', '_')] = value.replace(/\\(.)/gs, '$1');
  }
  return options;
}
