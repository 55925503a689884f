import { connect } from 'node:net';
import type pg from 'pg';
import { leave, discard } from './connection.js';
import { isSocketDirectory, type PostgresSettings } from './settings.js';

/** 1234 and 5678 in 16 bits each: what stands in place of a protocol version ("CancelRequest" of the message formats). */
const CANCEL_REQUEST = 80_877_102;
/** The request is a courtesy: who has not taken it by then is not waited for. */
const PATIENCE_MS = 2_000;

/**
 * Ends what the client's session does, in the server too, and then the connection. Never throws, and takes no longer
 * than a few seconds. What the server still sends has to be read meanwhile.
 *
 * A pooler finds the server's session by the client's connection, so that has to stay until the request is through:
 * without it PgBouncer drops the request, and the server goes on until it next sends.
 */
export async function abandon(client: pg.Client, settings: PostgresSettings): Promise<void> {
  if (await requestCancel(client, settings)) await leave(client);
  else discard(client);
}

/** On a connection of its own, without TLS, as libpq did for long. @returns whether it was taken */
function requestCancel(client: pg.Client, settings: PostgresSettings): Promise<boolean> {
  const { processID, secretKey } = client as unknown as { processID: unknown; secretKey: unknown }; // not in its types
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return Promise.resolve(false);
  const message = Buffer.alloc(16);
  [16, CANCEL_REQUEST, processID, secretKey].forEach((word, i) => message.writeInt32BE(word | 0, i * 4));
  const { server, port, hostaddr } = settings;
  const socket = isSocketDirectory(server)
    ? connect(`${server}/.s.PGSQL.${port}`)
    : connect({ host: hostaddr ?? server, port });
  return new Promise((resolve) => {
    let isTaken = false;
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on('error', () => undefined);
    // Not ended by us, which a pooler would take for a client that does not want it any more: the other side ends it
    // when the signal has been sent.
    socket.once('connect', () => socket.write(message));
    socket.once('end', () => (isTaken = true));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(isTaken);
    });
    socket.resume();
  });
}
