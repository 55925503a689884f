import { connect } from 'node:net';
import type pg from 'pg';
import { leave, discard } from './connection.js';
import { openDirectTls } from './direct-tls.js';
import { isSocketDirectory, type PostgresSettings } from './settings.js';
import { startsWithTls } from './tls-options.js';

/** 1234 and 5678 as 16-bit halves, in place of a protocol version ("CancelRequest" in the message formats). */
const CANCEL_REQUEST = 80_877_102;
/** Canceling is best effort: a server that has not accepted the request by then is not waited for. */
const PATIENCE_MS = 2_000;

/**
 * Cancels the session's current statement on the server, then closes the connection. Never throws, and takes a few
 * seconds at most. The caller must keep reading what the server still sends.
 *
 * A pooler maps the client connection to a server session, so the connection must stay open until the request is
 * handled: otherwise PgBouncer drops the request, and the server continues until it next sends data.
 */
export async function abandon(client: pg.Client, settings: PostgresSettings): Promise<void> {
  if (await requestCancel(client, settings)) await leave(client);
  else discard(client);
}

/**
 * On a separate connection: without TLS, as libpq did for a long time, unless what is in between may expect nothing but TLS.
 * @returns whether the request was accepted
 */
function requestCancel(client: pg.Client, settings: PostgresSettings): Promise<boolean> {
  const { processID, secretKey } = client as unknown as { processID: unknown; secretKey: unknown }; // not in its types
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return Promise.resolve(false);
  const message = Buffer.alloc(16);
  [16, CANCEL_REQUEST, processID, secretKey].forEach((word, i) => message.writeInt32BE(word | 0, i * 4));
  const { server, port, hostaddr } = settings;
  const isTls = startsWithTls(settings);
  const socket = isTls
    ? openDirectTls(settings)
    : isSocketDirectory(server)
      ? connect(`${server}/.s.PGSQL.${port}`)
      : connect({ host: hostaddr ?? server, port });
  return new Promise((resolve) => {
    let isTaken = false;
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on('error', () => undefined);
    // We do not close it, since a pooler would take that as a client that has lost interest: the other side closes it
    // once the signal is sent.
    socket.once(isTls ? 'secureConnect' : 'connect', () => socket.write(message));
    socket.once('end', () => (isTaken = true));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(isTaken);
    });
    socket.resume();
  });
}
