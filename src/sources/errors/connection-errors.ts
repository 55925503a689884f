import type { ErrorKind } from './error-kind.js';

/**
 * Connection failures, classified once for every engine: socket errors by errno, TLS errors by Node's code. Which of
 * them are transient is decided here and nowhere else.
 */

const LOST: ErrorKind = {
  code: 'SOURCE_CONNECTION_LOST',
  hint: 'See the server log for why the connection ended',
  transient: true,
};
const UNREACHABLE: ErrorKind = { ...LOST, code: 'SOURCE_UNREACHABLE', hint: 'Check the network' };
const TIMEOUT: ErrorKind = { ...LOST, code: 'SOURCE_TIMEOUT', hint: 'Check the network and its firewalls' };
const NO_DESCRIPTORS: ErrorKind = {
  code: 'SOURCE_UNREACHABLE',
  hint: 'Raise the limit of open files (ulimit -n), or lower --n-jobs and --parallel',
  transient: true,
};

/** A server that restarts refuses connections for a while. */
const SOCKETS: Readonly<Record<string, ErrorKind>> = {
  ECONNABORTED: LOST,
  ECONNRESET: LOST,
  ENETRESET: LOST,
  ENOTCONN: LOST,
  EPIPE: LOST,
  ECONNREFUSED: {
    code: 'SOURCE_REFUSED',
    hint: 'Check "server" and "port" of the entry, and that the server is running',
    transient: true,
  },
  ENOTFOUND: {
    code: 'SOURCE_HOST_UNKNOWN',
    hint: 'Correct "server" of the entry, or check the name service of this machine',
  },
  EAI_AGAIN: {
    code: 'SOURCE_HOST_UNKNOWN',
    hint: 'Check the name service of this machine: it does not answer',
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

/** Advice that fits one engine's entry and server. */
export interface ConnectionAdvice {
  /** For a certificate that is not trusted or does not match the host. */
  readonly untrusted: string;
  /** For a failed TLS handshake. */
  readonly tls: string;
  /** By errno; replaces the hint shared by all engines. */
  readonly hints?: Readonly<Record<string, string>> | undefined;
  /** For a connection that ended without an error message. */
  readonly lost?: { readonly message?: string; readonly hint: string } | undefined;
  /** By the driver's own codes, and by errnos that only this engine gives a meaning to. */
  readonly others?: Readonly<Record<string, ErrorKind>> | undefined;
}

/** A connection closed by the server or by something in between. */
export function connectionLost(advice?: ConnectionAdvice['lost']): ErrorKind {
  return { ...LOST, ...advice };
}

/**
 * Classifies an error by its codes, innermost first: TLS errors arrive wrapped in socket errors.
 * @returns undefined if none of the codes is a connection error
 */
export function connectionErrorKind(codes: readonly string[], advice: ConnectionAdvice): ErrorKind | undefined {
  if (codes.some((code) => TLS_UNTRUSTED.test(code))) return { code: 'SOURCE_TLS_UNTRUSTED', hint: advice.untrusted };
  if (codes.some((code) => TLS_FAILED.test(code))) return { code: 'SOURCE_TLS_FAILED', hint: advice.tls };
  const known = codes.map((code) => socketErrorKind(code, advice) ?? advice.others?.[code]);
  return known.find((kind) => kind !== undefined);
}

function socketErrorKind(code: string, { hints, lost }: ConnectionAdvice): ErrorKind | undefined {
  const kind = SOCKETS[code];
  if (kind === LOST) return connectionLost(lost);
  const hint = hints?.[code];
  return kind && hint !== undefined ? { ...kind, hint } : kind;
}
