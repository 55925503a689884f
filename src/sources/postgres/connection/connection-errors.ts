import type { PeerCertificate } from 'node:tls';
import { type ErrorCode, LakeportError } from '../../../errors.js';
import { postgresError } from '../errors.js';
import type { Greeting } from './greeting.js';
import { quoteName } from '../identifiers.js';
import { displayAddress, type PostgresSettings } from './settings.js';

/** Failures to connect. All have exit class `unreachable`: no table is involved yet. */

interface LoginKind {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly transient?: boolean;
}

/**
 * Rejections by servers and poolers at login, by SQLSTATE and, if that is ambiguous, by text. The text is in English
 * here, since no language has been negotiated yet.
 */
const AT_THE_DOOR: readonly (readonly [state: string, words: RegExp, kind: (of: PostgresSettings) => LoginKind])[] = [
  [
    '28000',
    /not permitted to log in/,
    ({ username }) => ({
      code: 'SOURCE_ACCESS_DENIED',
      hint: `ALTER ROLE ${quoteName(username)} LOGIN, or use another "username" in the entry`,
    }),
  ],
  [
    '28000',
    /does not exist/,
    () => ({ code: 'SOURCE_ACCESS_DENIED', hint: 'Correct "username" of the entry, or create the role' }),
  ],
  [
    '42501',
    /./,
    ({ database, username }) => ({
      code: 'SOURCE_ACCESS_DENIED',
      hint: `GRANT CONNECT ON DATABASE ${quoteName(database)} TO ${quoteName(username)}, or use another "database" or "username" in the entry`,
    }),
  ],
  [
    '55000',
    /./,
    ({ database }) => ({
      code: 'SOURCE_DATABASE_CLOSED',
      hint: `ALTER DATABASE ${quoteName(database)} ALLOW_CONNECTIONS true, or use another "database" in the entry`,
    }),
  ],
  [
    '0A000',
    /conversion|encoding/,
    () => ({
      code: 'SOURCE_ENCODING_NOT_SUPPORTED',
      hint: 'The server cannot convert text of this database; copy it to a database with another encoding',
    }),
  ],
  [
    '53300',
    /./,
    ({ database, username }) => ({
      code: 'SOURCE_TOO_MANY_CONNECTIONS',
      hint: `End other sessions, or raise max_connections of the server or the connection limit of ${quoteName(username)} or ${quoteName(database)}`,
      transient: true,
    }),
  ],
  // Poolers: unknown database or user, wrong password, or no server behind it.
  [
    '08P01',
    /./,
    () => ({
      code: 'SOURCE_ACCESS_DENIED',
      hint: 'The pooler rejects the login: check "database", "username" and "password" of the entry, and its log',
    }),
  ],
];

/** Classifies anything thrown while connecting. */
export function connectionError(
  thrown: unknown,
  settings: PostgresSettings,
  { isConnected, hasAnswered }: { readonly isConnected: boolean; readonly hasAnswered: boolean },
): LakeportError {
  if (thrown instanceof LakeportError && thrown.exit !== 'tables-failed') return thrown;
  const error = postgresError(thrown, { entry: settings.entryId });
  if (error.exit === 'usage') return error;
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  const state = thrown instanceof Error && 'severity' in thrown && 'code' in thrown ? String(thrown.code) : undefined;
  const known = isConnected
    ? undefined
    : AT_THE_DOOR.find(([of, words]) => of === state && words.test(said))?.[2](settings);
  const certificate = mismatch(thrown);
  const { code, hint, transient, message } = error.toData();
  const cannot = (reason: string) => `Cannot connect to ${displayAddress(settings)}: ${reason}`;
  // Whatever the code means later, in a table: no table is thought of yet.
  const place = { exit: 'unreachable', context: error.context, cause: thrown } as const;
  if (known !== undefined) return new LakeportError({ ...place, ...known, message: cannot(said) });
  if (certificate !== undefined)
    return new LakeportError({ ...place, ...nameMismatch(certificate, settings), message: cannot(said) });
  if (code === 'SOURCE_CONNECTION_LOST' && state === undefined && !isConnected && !hasAnswered) {
    const reason = 'the connection was closed before any answer';
    const check = 'Check that "server" and "port" of the entry lead to PostgreSQL, and what is in between';
    return new LakeportError({ ...place, code, hint: check, transient, message: cannot(reason) });
  }
  if (error.exit === 'unexpected') return answerUnknown(thrown, settings);
  if (error.exit === 'tables-failed') {
    // After a successful login, the first query failed.
    const own = isConnected ? code : 'SOURCE_ACCESS_DENIED';
    return new LakeportError({ ...place, code: own, hint, transient, message: cannot(said) });
  }
  return new LakeportError({ ...place, code, hint, transient, message: cannot(message) });
}

/** The certificate of a server with another name than requested. */
function mismatch(thrown: unknown): PeerCertificate | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'ERR_TLS_CERT_ALTNAME_INVALID')
    return undefined;
  // Node's error carries the certificate.
  return 'cert' in thrown ? (thrown.cert as PeerCertificate) : undefined;
}

function nameMismatch(certificate: PeerCertificate, { server }: PostgresSettings): LoginKind {
  const names = (certificate.subjectaltname ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address|URI):/, ''));
  const common = [certificate.subject.CN].flat().filter((name) => name !== undefined);
  const all = names.join('') === '' ? common : names;
  return {
    code: 'SOURCE_TLS_UNTRUSTED',
    hint: `The certificate is for ${all.join(', ')}: connect by one of these names, or use a server certificate for ${server}; "ssl": "verify-ca" does not check the name`,
  };
}

/** The problem that the first bytes reveal; undefined if they are PostgreSQL's. */
export function greetingProblem(greeting: Greeting, settings: PostgresSettings): LakeportError | undefined {
  const { entryId, ssl, authentication } = settings;
  const address = displayAddress(settings);
  const context = { entry: entryId, detail: 'ssl' };
  switch (greeting.kind) {
    case 'postgres':
      return undefined;
    case 'tls refused':
      return new LakeportError({
        code: 'SOURCE_TLS_REFUSED',
        message: `Cannot connect to ${address}: the server offers no TLS, but "ssl" is "${ssl}"`,
        // Channel binding requires TLS whatever "ssl" is.
        hint:
          authentication?.channelBinding === true && ssl === 'require'
            ? 'Turn on TLS in the server, or remove channel_binding=require if the network can be trusted'
            : 'Turn on TLS in the server, or use "ssl": "prefer" if the network can be trusted',
        context,
      });
    case 'tls error':
      return new LakeportError({
        code: 'SOURCE_TLS_REFUSED',
        message: `Cannot connect to ${address}: the server answered the TLS request with an error: ${greeting.message}`,
        hint: 'See the server log; "ssl": "disable" connects without TLS, if the network can be trusted',
        context,
        transient: true,
      });
    case 'other':
      return new LakeportError({
        code: 'SOURCE_NOT_POSTGRES',
        message: `Cannot connect to ${address}: ${greeting.name} answers there, not PostgreSQL`,
        hint: 'Correct "server" and "port" of the entry, or its "ds_type"',
        context: { entry: entryId, detail: 'port' },
      });
  }
}

/** The driver's text for an unknown authentication request; the number is the protocol's. */
const LOGIN_NOT_SPOKEN = /^Unknown authenticationOk message type (-?\d+)/;

/** Authentication requests that the driver does not support, by protocol number (AuthenticationKerberosV5 etc.). */
const LOGINS: Readonly<Record<string, string>> = { 2: 'Kerberos V5', 6: 'SCM', 7: 'GSSAPI (Kerberos)', 9: 'SSPI' };

/** A message that the driver does not know, or an unsupported authentication request: in its own words otherwise. */
export function answerUnknown(thrown: unknown, settings: PostgresSettings): LakeportError {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  const number = LOGIN_NOT_SPOKEN.exec(said)?.[1];
  const cannot = `Cannot connect to ${displayAddress(settings)}`;
  const place = { context: { entry: settings.entryId }, cause: thrown };
  if (number === undefined) {
    return new LakeportError({
      ...place,
      code: 'SOURCE_ANSWER_UNKNOWN',
      message: `${cannot}: ${said}`,
      hint: 'Check that "server" and "port" of the entry lead to PostgreSQL, and how pg_hba.conf authenticates this user',
    });
  }
  return new LakeportError({
    ...place,
    code: 'SOURCE_AUTHENTICATION_NOT_SUPPORTED',
    message: `${cannot}: the server requests authentication by ${LOGINS[number] ?? `method ${number}`}, which is not supported`,
    hint: `Let ${settings.username} log in by scram-sha-256, md5, password, cert or trust in pg_hba.conf`,
  });
}

/** After a successful login the server is PostgreSQL, so something alters its messages. */
export function answerUnreadable(thrown: unknown, settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'SOURCE_ANSWER_UNKNOWN',
    message: `The response of ${displayAddress(settings)} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    hint: 'Check what is between this machine and the server: a proxy may alter the traffic',
    context: { entry: settings.entryId },
    cause: thrown,
  });
}

export function authenticationRefused(settings: PostgresSettings, problem: string): LakeportError {
  return new LakeportError({
    code: 'SOURCE_AUTHENTICATION_TOO_WEAK',
    message: `Cannot connect to ${displayAddress(settings)}: ${problem}`,
    hint: 'Configure the server for the required authentication (pg_hba.conf, password_encryption, TLS), or relax the connection string',
    context: { entry: settings.entryId, detail: 'connection_string' },
  });
}

export function otherKind(settings: PostgresSettings, kind: string): LakeportError {
  return new LakeportError({
    code: 'SOURCE_OTHER_KIND',
    message: `Cannot connect to ${displayAddress(settings)}: the server is ${kind}, but target_session_attrs is ${settings.targetSession ?? 'any'}`,
    hint: 'Add a matching host to the connection string, or change target_session_attrs',
    context: { entry: settings.entryId, detail: 'connection_string' },
  });
}

export function timedOut(settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'SOURCE_TIMEOUT',
    message: `Cannot connect to ${displayAddress(settings)}: no answer within ${settings.connectTimeoutMs / 1000} s`,
    hint: 'Check "server", "port" and the firewalls in between, or raise "connect_timeout" of the entry',
    context: { entry: settings.entryId },
    transient: true,
  });
}

export function keptWaiting(settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'SOURCE_NO_ANSWER',
    message: `${displayAddress(settings)} accepted the connection but has not answered for ${settings.connectTimeoutMs / 1000} s`,
    hint: 'A pooler may have no free connection: its pool must exceed the number of readers by two, for the planner and the row check; enlarge it, or lower --n-jobs and --parallel',
    context: { entry: settings.entryId },
    transient: true,
  });
}

export function aborted(settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'INTERRUPTED',
    message: `The connection to ${displayAddress(settings)} was aborted`,
    context: { entry: settings.entryId },
  });
}
