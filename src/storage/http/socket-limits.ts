import type http from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

import { ConnectPatience } from './connect-patience.js';

export interface SocketLimits {
  /**
   * From the first attempt to connect until the connection is established, TLS included; also how long to wait for a store
   * that accepts none yet.
   */
  readonly connectMs: number;
  /** Longest time without a byte in either direction during a request. */
  readonly idleMs: number;
}

interface ConnectionOptions {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
}

type Created = (error: Error | null, socket?: Duplex) => void;

/** Properties of Node's agents that their type declarations lack. */
interface ConnectingAgent {
  createConnection: (options: ConnectionOptions, created: Created) => Duplex | undefined;
  connect?: (...args: unknown[]) => Promise<Duplex>;
}

/**
 * Makes an agent's stalled connections fail with `ETIMEDOUT`. Clients differ in what they call a timeout, and some have
 * none: sockets are the one place that all requests pass. Limiting stalls rather than the whole request lets a slow store
 * take the time it needs.
 */
export function limitSockets<A extends http.Agent>(agent: A, limits: SocketLimits): A {
  // See ConnectingAgent.
  const connecting = agent as unknown as ConnectingAgent;
  const patience = new ConnectPatience(limits.connectMs);
  const create = connecting.createConnection.bind(agent);
  const open = (options: ConnectionOptions, created: Created) => {
    const socket = create(options, created);
    if (socket instanceof Socket) watch(socket, limits);
    return socket;
  };
  // Proxy agents connect in a separate step.
  if (connecting.connect !== undefined) {
    const connect = connecting.connect.bind(agent);
    connecting.createConnection = open;
    connecting.connect = (...args) => patience.connect('proxy', () => withinTime(connect(...args), limits.connectMs));
  } else {
    connecting.createConnection = (options, created) => {
      const host = `${options.host ?? ''}:${options.port ?? ''}`;
      if (!patience.isFor(host)) return open(options, created);
      // The socket's later owner must not get its `connect` event.
      patience
        .connect(host, () => connected(open(options, () => undefined)))
        .then(
          (socket) => created(null, socket),
          (error: unknown) => created(error instanceof Error ? error : new Error(String(error))),
        );
      return undefined;
    };
  }
  const destroy = agent.destroy.bind(agent);
  agent.destroy = () => {
    patience.stop();
    destroy();
  };
  const reuse = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket, request) => {
    reuse(socket, request);
    // While the socket was idle, the agent replaced the limit by the server's keep-alive time.
    if (socket instanceof Socket) socket.setTimeout(limits.idleMs);
  };
  return agent;
}

/** Resolves when the socket is connected, before TLS starts. */
function connected(socket: Duplex | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    if (!(socket instanceof Socket)) throw new TypeError('Agents connect by sockets');
    if (!socket.connecting) resolve(socket);
    const done = () => {
      socket.off('error', failed);
      resolve(socket);
    };
    const failed = (error: Error) => {
      socket.off('connect', done);
      reject(error);
    };
    socket.once('connect', done);
    socket.once('error', failed);
  });
}

function watch(socket: Socket, limits: SocketLimits): void {
  socket.setTimeout(limits.idleMs);
  socket.on('timeout', () => socket.destroy(timedOut(`No answer for ${limits.idleMs} ms`)));
  if (!socket.connecting) return;
  const timer = setTimeout(
    () => socket.destroy(timedOut(`No connection within ${limits.connectMs} ms`)),
    limits.connectMs,
  );
  const stop = () => clearTimeout(timer);
  socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', stop);
  socket.once('close', stop);
}

async function withinTime(connecting: Promise<Duplex>, milliseconds: number): Promise<Duplex> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(timedOut(`No connection through the proxy within ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([connecting, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
