import { connect } from 'node:net';
import type pg from 'pg';
import { isSocketDirectory, type PostgresSettings } from './settings.js';

/** 1234 and 5678 in 16 bits each: what stands in place of a protocol version ("CancelRequest" of the message formats). */
const CANCEL_REQUEST = 80_877_102;
/** The request is a courtesy: without it the server ends the statement when it next sends. */
const PATIENCE_MS = 5000;

/** Asks the server to end what the client's session does, on a connection of its own. Never throws, never waits. */
export function requestCancel(client: pg.Client, settings: PostgresSettings): void {
  const { processID, secretKey } = client as unknown as { processID: unknown; secretKey: unknown }; // not in its types
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return;
  const message = Buffer.alloc(16);
  [16, CANCEL_REQUEST, processID, secretKey].forEach((word, i) => message.writeInt32BE(word | 0, i * 4));
  const { server, port, hostaddr } = settings;
  const socket = isSocketDirectory(server)
    ? connect(`${server}/.s.PGSQL.${port}`)
    : connect({ host: hostaddr ?? server, port, timeout: PATIENCE_MS });
  socket.on('error', () => undefined);
  socket.on('timeout', () => socket.destroy());
  socket.once('connect', () => socket.end(message));
  socket.resume();
  socket.unref();
}
