import type http from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

export interface SocketLimits {
  /** From the first attempt to connect until the connection stands, TLS included. */
  readonly connectMs: number;
  /** Longest time in which no byte moves in either direction while a request is under way. */
  readonly idleMs: number;
}

/** What Node's agents have, but their type declarations have not. */
interface ConnectingAgent {
  createConnection: (...args: unknown[]) => Duplex | undefined;
  connect?: (...args: unknown[]) => Promise<Duplex>;
}

/**
 * Makes an agent's connections fail with `ETIMEDOUT` when they stall. Clients differ in what they call a timeout, and
 * some have none: the sockets are the one place where all their requests pass. A limit on stalling rather than on the
 * whole request lets a slow store take the time it needs.
 */
export function limitSockets<A extends http.Agent>(agent: A, limits: SocketLimits): A {
  // See ConnectingAgent.
  const connecting = agent as unknown as ConnectingAgent;
  const create = connecting.createConnection.bind(agent);
  connecting.createConnection = (...args) => {
    const socket = create(...args);
    if (socket instanceof Socket) watch(socket, limits);
    return socket;
  };
  // Agents of proxies connect in a step of their own.
  if (connecting.connect !== undefined) {
    const connect = connecting.connect.bind(agent);
    connecting.connect = (...args) => withinTime(connect(...args), limits.connectMs);
  }
  const reuse = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket, request) => {
    reuse(socket, request);
    // While the socket was idle, the agent has put the server's keep-alive time in place of the limit.
    if (socket instanceof Socket) socket.setTimeout(limits.idleMs);
  };
  return agent;
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
