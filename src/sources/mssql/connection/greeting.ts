import type { Socket } from 'node:net';
import type { Connection } from 'tedious';
import { LakeportError } from '../../../errors.js';
import { otherServer } from '../../other-server.js';
import { type MssqlSettings } from './settings.js';
import { displayAddress } from './address.js';

/** What was found out about servers that are not SQL Server: the driver only reports a broken packet, or waits for more. */
const problems = new WeakMap<Connection, LakeportError>();

/** Why the connection failed, if another kind of server answered. */
export function problemOfServer(connection: Connection): LakeportError | undefined {
  return problems.get(connection);
}

/** Inspects the first bytes that a server sends, and passes them on to the driver unchanged. */
export function watchGreeting(connection: Connection, settings: MssqlSettings): void {
  const connect = connection.connectOnPort.bind(connection);
  connection.connectOnPort = async (...given) => {
    const socket = await connect(...given);
    onFirstBytes(socket, (bytes) => {
      // Every packet of a response has this type (MS-TDS 2.2.3.1.1), so the first byte of a fragment has it too.
      if (bytes?.[0] === 4) return;
      const name = bytes && (otherServer(bytes) ?? (bytes[0] === 0x45 ? 'PostgreSQL' : 'something else'));
      problems.set(connection, notSqlServer(name, settings));
      socket.destroy();
    });
    return socket;
  };
}

/** @param listener gets undefined if the server closes the connection without a response */
function onFirstBytes(socket: Socket, listener: (bytes: Buffer | undefined) => void): void {
  const onData = (bytes: Buffer) => {
    socket.off('end', onEnd);
    listener(bytes);
  };
  const onEnd = () => {
    socket.off('data', onData);
    listener(undefined);
  };
  // Before the driver's listener, which would otherwise report first.
  socket.prependOnceListener('data', onData);
  socket.prependOnceListener('end', onEnd);
}

function notSqlServer(name: string | undefined, settings: MssqlSettings): LakeportError {
  const address = displayAddress(settings);
  const what =
    name === undefined
      ? 'the server closes the connection without a response, so it may not be SQL Server'
      : `${name} answers there, not SQL Server`;
  return new LakeportError({
    code: 'SOURCE_NOT_SQL_SERVER',
    message: `Cannot connect to ${address}: ${what}`,
    hint: 'Correct "server" and "port" of the entry, or its "ds_type"',
    context: { entry: settings.entryId, detail: 'port' },
    // A server that is shutting down does the same.
    transient: name === undefined,
  });
}
