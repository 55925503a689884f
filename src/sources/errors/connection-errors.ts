import type { ErrorKind } from './error-kind.js';

/**
 * Failures of the connection to a database server, the same for every engine: those of sockets by the operating
 * system's names, those of TLS by Node's. Whether one passes by itself is said here, and nowhere else.
 */

const LOST: ErrorKind = {
  code: 'SOURCE_CONNECTION_LOST',
  exit: 'unreachable',
  hint: 'See the server log for why the connection ended',
  transient: true,
};
const UNREACHABLE: ErrorKind = { ...LOST, code: 'SOURCE_UNREACHABLE', hint: 'Check the network' };
const TIMEOUT: ErrorKind = { ...LOST, code: 'SOURCE_TIMEOUT', hint: 'Check the network and its firewalls' };
const NO_DESCRIPTORS: ErrorKind = {
  code: 'SOURCE_UNREACHABLE',
  exit: 'unreachable',
  hint: 'Raise the limit of open files (ulimit -n), or lower --n-jobs and --parallel',
  transient: true,
};

/** A server that starts again refuses connections for a while. */
const SOCKETS: Readonly<Record<string, ErrorKind>> = {
  ECONNABORTED: LOST,
  ECONNRESET: LOST,
  ENETRESET: LOST,
  ENOTCONN: LOST,
  EPIPE: LOST,
  ECONNREFUSED: {
    code: 'SOURCE_REFUSED',
    exit: 'unreachable',
    hint: 'Check "server" and "port" of the entry, and that the server runs',
    transient: true,
  },
  ENOTFOUND: {
    code: 'SOURCE_HOST_UNKNOWN',
    exit: 'unreachable',
    hint: 'Correct "server" of the entry, or check the name service of this machine',
  },
  EAI_AGAIN: {
    code: 'SOURCE_HOST_UNKNOWN',
    exit: 'unreachable',
    hint: 'The name service of this machine does not answer',
    transient: true,
  },
  ETIMEDOUT: TIMEOUT,
  EHOSTDOWN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  EMFILE: NO_DESCRIPTORS,
  ENFILE: NO_DESCRIPTORS,
};

/** `CERT_HAS_EXPIRED`, `DEPTH_ZERO_SELF_SIGNED_CERT`, `ERR_TLS_CERT_ALTNAME_INVALID` … */
const TLS_UNTRUSTED = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;
const TLS_FAILED = /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO)/;

/** What can be done about it with one engine's entry and server. */
export interface ConnectionAdvice {
  /** A certificate of an authority that is not trusted, or one that does not fit. */
  readonly untrusted: string;
  /** TLS that does not come about. */
  readonly tls: string;
  /** By errno, in place of what is said for every engine. */
  readonly hints?: Readonly<Record<string, string>> | undefined;
  /** A connection that ended without a word. */
  readonly lost?: { readonly message?: string; readonly hint: string } | undefined;
  /** By the driver's own codes, and errnos that mean something to this engine alone. */
  readonly others?: Readonly<Record<string, ErrorKind>> | undefined;
}

/** The same connection, ended by the server or on the way to it. */
export function connectionLost(advice?: ConnectionAdvice['lost']): ErrorKind {
  return { ...LOST, ...advice };
}

/**
 * What an error's codes say, innermost first: TLS errors come wrapped in those of sockets.
 * @returns undefined for codes that are not those of a connection
 */
export function connectionErrorKind(codes: readonly string[], advice: ConnectionAdvice): ErrorKind | undefined {
  if (codes.some((code) => TLS_UNTRUSTED.test(code)))
    return { code: 'SOURCE_TLS_UNTRUSTED', exit: 'unreachable', hint: advice.untrusted };
  if (codes.some((code) => TLS_FAILED.test(code)))
    return { code: 'SOURCE_TLS_FAILED', exit: 'unreachable', hint: advice.tls };
  const known = codes.map((code) => socketErrorKind(code, advice) ?? advice.others?.[code]);
  return known.find((kind) => kind !== undefined);
}

function socketErrorKind(code: string, { hints, lost }: ConnectionAdvice): ErrorKind | undefined {
  const kind = SOCKETS[code];
  if (kind === LOST) return connectionLost(lost);
  const hint = hints?.[code];
  return kind && hint !== undefined ? { ...kind, hint } : kind;
}
