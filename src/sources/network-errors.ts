import type { ExitClass } from '../errors.js';

/** What is known of a kind of error: `message` stands for the driver's own where that says less. */
export interface NetworkErrorKind {
  readonly code: string;
  readonly exit: ExitClass;
  readonly message?: string;
  readonly hint: string;
  /** Worth another attempt: it may be gone in a moment. */
  readonly transient?: boolean;
}

const LOST = {
  code: 'SOURCE_CONNECTION_LOST',
  exit: 'unreachable',
  hint: 'See the server log for why the connection ended',
  transient: true,
} as const;

/**
 * Failures of the connection to a database server by the operating system's names, the same for every engine. A server
 * that starts again refuses connections for a while.
 */
export const NETWORK_ERRORS: Readonly<Record<string, NetworkErrorKind>> = {
  ECONNABORTED: LOST,
  ECONNRESET: LOST,
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
  ETIMEDOUT: { ...LOST, code: 'SOURCE_TIMEOUT', hint: 'Check the network and its firewalls' },
  EHOSTUNREACH: { ...LOST, code: 'SOURCE_UNREACHABLE', hint: 'Check the network' },
  ENETUNREACH: { ...LOST, code: 'SOURCE_UNREACHABLE', hint: 'Check the network' },
};

/** The same error with what one engine's server can be told to do about it. */
export function withHint(name: keyof typeof NETWORK_ERRORS, hint: string): Readonly<Record<string, NetworkErrorKind>> {
  const kind = NETWORK_ERRORS[name];
  return kind === undefined ? {} : { [name]: { ...kind, hint } };
}
