import type { Duplex } from 'node:stream';
import type pg from 'pg';

/**
 * Catches what the driver throws over a message that it does not know. It does so while its socket hands out bytes, where
 * no promise is waiting: the whole program would end.
 * @param client not connected yet
 * @param onThrown has to end the connection, with which the driver can't go on
 */
export function catchAnswers(client: pg.Client, onThrown: (thrown: unknown) => void): void {
  const { connection } = client as unknown as { readonly connection: ListeningConnection }; // not in the driver's types
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream) => {
    const others = new Set(stream.listeners('data'));
    attach(stream);
    const own = stream.listeners('data').filter((listener) => !others.has(listener)) as DataListener[]; // of 'data'
    for (const listener of own) {
      stream.off('data', listener);
      stream.on('data', (chunk: Buffer) => {
        try {
          listener(chunk);
        } catch (thrown) {
          onThrown(thrown);
        }
      });
    }
  };
}

type DataListener = (chunk: Buffer) => void;

/** Of the driver's connection, what it does with the socket, or with what TLS made of it. */
interface ListeningConnection {
  attachListeners(stream: Duplex): void;
}
