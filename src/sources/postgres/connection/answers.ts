import type { Duplex } from 'node:stream';
import type pg from 'pg';

/**
 * Catches what the driver throws for a message that it does not know. It throws in a socket event handler, where no
 * promise could reject, so the whole process would crash.
 * @param client not connected yet
 * @param onThrown must close the connection, which the driver cannot continue
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

/** The part of the driver's connection that handles the socket, or the TLS socket. */
interface ListeningConnection {
  attachListeners(stream: Duplex): void;
}
