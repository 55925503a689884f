import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with one request. */
export type HttpFault =
  /** The connection is reset when so many bytes of the body have come in; the server never sees the request. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Somebody answers in the server's place. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Nobody ever answers. */
  | { readonly kind: 'stall' }
  /** The server does what it was asked to, and the connection is reset instead of its answer. */
  | { readonly kind: 'lost-answer' };

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

interface Planned {
  readonly matches: (request: SeenRequest) => boolean;
  readonly fault: HttpFault;
  left: number;
}

/** A proxy in front of a server over plain http, which lets pass what it is not told to spoil. */
export class FaultyServer {
  readonly endpoint: string;
  /** Every request that came in, spoiled or not. */
  readonly requests: SeenRequest[] = [];
  readonly #server: http.Server;
  readonly #target: URL;
  #planned: Planned[] = [];
  /** Bytes a second that are taken from clients; undefined for all they send. */
  #bytesPerSecond: number | undefined;

  private constructor(server: http.Server, target: string) {
    // A listening TCP server has an address of this form.
    const { port } = server.address() as AddressInfo;
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#server = server;
    this.#target = new URL(target);
    server.on('request', (incoming, response) => void this.#serve(incoming, response));
  }

  static async start(target: string): Promise<FaultyServer> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyServer(server, target);
  }

  /** Spoils the next requests that match. */
  spoil(matches: (request: SeenRequest) => boolean, fault: HttpFault, times = 1): void {
    this.#planned.push({ matches, fault, left: times });
  }

  /** How many of the planned faults have not come about yet. */
  get pending(): number {
    return this.#planned.reduce((sum, { left }) => sum + left, 0);
  }

  reset(): void {
    this.#planned = [];
    this.requests.length = 0;
    this.#bytesPerSecond = undefined;
  }

  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    incoming.on('error', () => undefined);
    const { method = 'GET', url = '/', headers } = incoming;
    const seen = { method, url, headers };
    this.requests.push(seen);
    const planned = this.#planned.find(({ matches, left }) => left > 0 && matches(seen));
    if (planned !== undefined) planned.left--;
    switch (planned?.fault.kind) {
      case undefined:
        await this.#forward(incoming, response, { answer: true });
        return;
      case 'lost-answer':
        await this.#forward(incoming, response, { answer: false });
        return;
      case 'stall':
        incoming.resume();
        return;
      case 'reset':
        await resetAfter(incoming, planned.fault.afterBytes);
        return;
      case 'answer': {
        const { status, body = '', headers: own = {} } = planned.fault;
        incoming.resume();
        await once(incoming, 'end').catch(() => undefined);
        response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...own }).end(body);
      }
    }
  }

  async #forward(incoming: IncomingMessage, response: ServerResponse, options: { answer: boolean }): Promise<void> {
    const body = await this.#read(incoming).catch(() => undefined);
    if (body === undefined) return;
    const { method, url, headers } = incoming;
    const { hostname, port } = this.#target;
    const outgoing = http.request({ hostname, port, method, path: url, headers });
    outgoing.end(body);
    try {
      // The event's one argument.
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      const content = await readAll(answer);
      if (!options.answer) incoming.socket.resetAndDestroy();
      else response.writeHead(answer.statusCode ?? 502, answer.headers).end(content);
    } catch {
      incoming.socket.destroy();
    }
  }

  async #read(incoming: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const start = performance.now();
    let bytes = 0;
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (this.#bytesPerSecond === undefined) continue;
      const due = (bytes / this.#bytesPerSecond) * 1000 - (performance.now() - start);
      if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
    }
    return Buffer.concat(chunks);
  }
}

async function resetAfter(incoming: IncomingMessage, bytes: number): Promise<void> {
  let seen = 0;
  try {
    for await (const chunk of incoming) {
      seen += (chunk as Buffer).length;
      if (seen >= bytes) break;
    }
  } finally {
    incoming.socket.resetAndDestroy();
  }
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
