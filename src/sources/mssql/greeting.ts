import type { Socket } from 'node:net';
import type { Connection } from 'tedious';
import { LakeportError } from '../../errors.js';
import { otherServer } from '../other-server.js';
import { type MssqlSettings } from './settings.js';
import { displayAddress } from './address.js';

/** What was found out of servers that are no SQL Server: the driver tells of a broken packet, or waits for the rest of one. */
const problems = new WeakMap<Connection, LakeportError>();

/** Why the connection came to nothing, where it is the server that is another one's. */
export function problemOfServer(connection: Connection): LakeportError | undefined {
  return problems.get(connection);
}

/** Looks at the first bytes that a server sends, which go on to the driver as they came. */
export function watchGreeting(connection: Connection, settings: MssqlSettings): void {
  const connect = connection.connectOnPort.bind(connection);
  connection.connectOnPort = async (...given) => {
    const socket = await connect(...given);
    onFirstBytes(socket, (bytes) => {
      // Every packet of an answer is of this type (MS-TDS, 2.2.3.1.1), so also the first byte of a part of one.
      if (bytes?.[0] === 4) return;
      const name = bytes && (otherServer(bytes) ?? (bytes[0] === 0x45 ? 'PostgreSQL' : 'something else'));
      problems.set(connection, notSqlServer(name, settings));
      socket.destroy();
    });
    return socket;
  };
}

/** @param listener gets nothing where the server ends the connection without an answer */
function onFirstBytes(socket: Socket, listener: (bytes: Buffer | undefined) => void): void {
  const onData = (bytes: Buffer) => {
    socket.off('end', onEnd);
    listener(bytes);
  };
  const onEnd = () => {
    socket.off('data', onData);
    listener(undefined);
  };
  // Before the driver's own, which would otherwise speak first.
  socket.prependOnceListener('data', onData);
  socket.prependOnceListener('end', onEnd);
}

function notSqlServer(name: string | undefined, settings: MssqlSettings): LakeportError {
  const address = displayAddress(settings);
  const what =
    name === undefined
      ? 'the server there ends the connection without an answer, as one that is not SQL Server does'
      : `${name} answers there, not SQL Server`;
  return new LakeportError({
    code: 'SOURCE_NOT_SQL_SERVER',
    exit: 'unreachable',
    message: `cannot connect to ${address}: ${what}`,
    hint: 'Correct "server" and "port" of the entry, or its "ds_type"',
    context: { entry: settings.entryId, detail: 'port' },
    // One that is about to stop does the same.
    transient: name === undefined,
  });
}
