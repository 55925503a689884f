import type { EventEmitter } from 'node:events';
import type pg from 'pg';

/**
 * What the user demands of the way in which the server asks who is there: libpq's `require_auth` and `channel_binding`.
 * A server that asks in another way is left before anything secret is sent.
 */
export interface AuthenticationDemands {
  /** Ways that are allowed; undefined for all. */
  readonly methods: readonly AuthenticationMethod[] | undefined;
  /** The login has to be bound to the TLS connection (SCRAM-SHA-256-PLUS). */
  readonly channelBinding: boolean;
}

/** As `require_auth` names them. Of `gss` and `sspi` the driver knows nothing. */
export const AUTHENTICATION_METHODS = ['password', 'md5', 'scram-sha-256', 'none', 'gss', 'sspi', 'oauth'] as const;
export type AuthenticationMethod = (typeof AUTHENTICATION_METHODS)[number];

/**
 * Watches a client that is not connected yet.
 * @param refuse is told what is wrong, and has to end the connection at once
 * @returns what is wrong with a login that went through, or undefined
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
      return `"require_auth" allows ${methods.join(', ')}, and the server ${used === 'none' ? 'asks for nothing' : `asks for ${used}`}`;
    }
    if (!channelBinding || mechanisms.includes('SCRAM-SHA-256-PLUS')) return undefined;
    return '"channel_binding" is "require", and the server does not offer it (it needs TLS and a SCRAM password)';
  };
  let offered: readonly string[] = [];
  const asked = (method: AuthenticationMethod, mechanisms: readonly string[] = []) => {
    used = method;
    offered = mechanisms;
    const problem = problemOf(mechanisms);
    if (problem !== undefined) refuse(problem);
  };
  // Before the client's own listeners, which answer.
  connection.prependListener('authenticationCleartextPassword', () => asked('password'));
  connection.prependListener('authenticationMD5Password', () => asked('md5'));
  connection.prependListener('authenticationSASL', (message: { readonly mechanisms: readonly string[] }) =>
    asked('scram-sha-256', message.mechanisms),
  );
  return () => problemOf(offered);
}
