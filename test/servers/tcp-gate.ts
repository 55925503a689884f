import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A door in front of a server that is open, shut, or lets nothing through while it seems to be open. */
export interface TcpGate {
  readonly host: string;
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  open(): void;
  /** Cuts all connections, and lets nobody in. */
  shut(): void;
  /** Takes what is sent, and hands nothing on, in either direction. */
  stall(): void;
  /** Cuts the connections that there are; new ones are let in. */
  cut(): void;
  /** Cuts one of the connections by chance. False where there is none. */
  cutOne(): boolean;
  /** Cuts the nth connection on which so many bytes come from the server, as soon as they have. */
  cutAfter(bytes: number, nth: number): void;
  /** Cuts the oldest connection on the server's side only: to the client it seems to be open, and nobody answers on it. */
  loseOldest(): void;
  /** Everything that has come from the server, if the gate is recording. */
  fromServer(): Buffer;
  stop(): Promise<void>;
}

interface TcpGateOptions {
  readonly isRecording?: boolean;
  /** Where the nth connection leads, from 0, instead of to the target: as a load balancer chooses. */
  readonly choose?: (nth: number) => Address;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export async function startTcpGate(target: Address, options: TcpGateOptions = {}): Promise<TcpGate> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const lost = new Set<Socket>();
  const received: Buffer[] = [];
  let connected = 0;
  let state: 'open' | 'shut' | 'stalled' = 'open';
  let cutAt: { readonly bytes: number; connections: number } | undefined;
  const server = createServer((inner) => {
    if (state === 'shut') {
      inner.destroy();
      return;
    }
    const { host, port } = options.choose?.(connected++) ?? target;
    const outer = connect(port, host);
    const pair = [inner, outer] as const;
    let passed = 0;
    pairs.add(pair);
    const end = () => {
      if (lost.has(inner)) return;
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('data', (bytes) => {
        if (from === outer) {
          if (options.isRecording === true) received.push(bytes);
          const isReached = cutAt !== undefined && passed <= cutAt.bytes && passed + bytes.length > cutAt.bytes;
          passed += bytes.length;
          // Before the last of them are handed on: the client never has more, whatever the machine's speed.
          if (isReached && cutAt !== undefined && --cutAt.connections === 0) {
            end();
            return;
          }
        }
        if (state === 'open' && !to.destroyed) to.write(bytes);
      });
      from.on('error', end).on('close', end);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const sockets of pairs) for (const socket of sockets) socket.destroy();
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    get connections() {
      return pairs.size;
    },
    open() {
      // Bytes that were swallowed leave no conversation that could go on.
      if (state === 'stalled') cut();
      state = 'open';
    },
    shut() {
      state = 'shut';
      cut();
    },
    stall() {
      state = 'stalled';
    },
    cut,
    cutAfter(bytes, nth) {
      cutAt = { bytes, connections: nth };
    },
    loseOldest() {
      const [pair] = pairs;
      if (pair === undefined) return;
      lost.add(pair[0]);
      pairs.delete(pair);
      pair[1].destroy();
    },
    cutOne() {
      const pair = [...pairs][Math.floor(Math.random() * pairs.size)];
      for (const socket of pair ?? []) socket.destroy();
      return pair !== undefined;
    },
    fromServer: () => Buffer.concat(received),
    stop: async () => {
      cut();
      for (const socket of lost) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
