import type { EventEmitter } from 'node:events';
import type pg from 'pg';

/**
 * The user's requirements for authentication: libpq's `require_auth` and `channel_binding`. If the server asks for
 * another method, the connection is closed before any secret is sent.
 */
export interface AuthenticationDemands {
  /** Allowed methods; undefined for all. */
  readonly methods: readonly AuthenticationMethod[] | undefined;
  /** The login must be bound to the TLS connection (SCRAM-SHA-256-PLUS). */
  readonly channelBinding: boolean;
}

/** Named as in `require_auth`. The driver does not support `gss` and `sspi`. */
export const AUTHENTICATION_METHODS = ['password', 'md5', 'scram-sha-256', 'none', 'gss', 'sspi', 'oauth'] as const;
export type AuthenticationMethod = (typeof AUTHENTICATION_METHODS)[number];

/**
 * Watches a client that is not connected yet.
 * @param refuse gets the problem and must close the connection at once
 * @returns a function that gives the problem of a completed login, or undefined
 */
export function watchAuthentication(
  client: pg.Client,
  { methods, channelBinding }: AuthenticationDemands,
  refuse: (problem: string) => void,
): () => string | undefined {
  const { connection } = client as unknown as { readonly connection: EventEmitter }; // not in the driver's types
  let used: AuthenticationMethod = 'none';
  const problemOf = (mechanisms: readonly string[]) => {
    if (methods?.includes(used) === false) {
      return `"require_auth" allows ${methods.join(', ')}, but the server ${used === 'none' ? 'requests no authentication' : `requests ${used}`}`;
    }
    if (!channelBinding || mechanisms.includes('SCRAM-SHA-256-PLUS')) return undefined;
    return '"channel_binding" is "require", but the server does not offer it (it needs TLS and a SCRAM password)';
  };
  let offered: readonly string[] = [];
  const asked = (method: AuthenticationMethod, mechanisms: readonly string[] = []) => {
    used = method;
    offered = mechanisms;
    const problem = problemOf(mechanisms);
    if (problem !== undefined) refuse(problem);
  };
  // Before the client's own listeners, which send the reply.
  connection.prependListener('authenticationCleartextPassword', () => asked('password'));
  connection.prependListener('authenticationMD5Password', () => asked('md5'));
  connection.prependListener('authenticationSASL', (message: { readonly mechanisms: readonly string[] }) =>
    asked('scram-sha-256', message.mechanisms),
  );
  return () => problemOf(offered);
}
