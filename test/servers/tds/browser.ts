import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** The SQL Server Browser (MC-SQLR): tells on which port an instance listens. */

const PORT = 1434;
const ANSWER = 0x05;

/** Undefined where something else has the port, which is always the same. */
export async function startBrowser(
  instances: Readonly<Record<string, number>>,
): Promise<{ readonly stop: () => Promise<void> } | undefined> {
  const socket = createSocket('udp4');
  const text = Object.entries(instances)
    .map(([name, port]) => `ServerName;SQL01;InstanceName;${name};IsClustered;No;Version;16.0.4105.2;tcp;${port};;`)
    .join('');
  const answer = Buffer.alloc(3 + text.length);
  answer.writeUInt8(ANSWER, 0);
  answer.writeUInt16LE(text.length, 1);
  answer.write(text, 3, 'latin1');
  socket.on('message', (_request, { address, port }) => socket.send(answer, port, address));
  try {
    socket.bind(PORT, '127.0.0.1');
    await once(socket, 'listening');
  } catch {
    return undefined;
  }
  return { stop: () => new Promise<void>((resolve) => socket.close(() => resolve())) };
}
