import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A server in front of another one that hands on requests as they are, and breaks those that a test wants broken.
 * Signatures hold: the host that the client signed goes on unchanged.
 */

/** What happens to one request in place of being handed on. */
export type Fault =
  /** The connection is cut after so many bytes of the request's body. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** An answer of the proxy's own. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Nothing is read and nothing answered. */
  | { readonly kind: 'stall' }
  /** The server does what it was asked for, but the client never hears of it. */
  | { readonly kind: 'lose-answer' };

export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Counted from 1, over all requests. */
  readonly number: number;
}

export interface FaultProxy {
  readonly endpoint: string;
  readonly port: number;
  /** Decides on each request; undefined hands it on. */
  breakBy(rule: (request: ProxiedRequest) => Fault | undefined): void;
  /** Requests that were broken so far. */
  readonly broken: readonly ProxiedRequest[];
  /** Bytes of request bodies a second, over all connections together; undefined for no limit. */
  throttle(bytesPerSecond: number | undefined): void;
  /** Milliseconds for which each request waits, as on a long line; undefined for none. */
  delay(milliseconds: number | undefined): void;
  /** The most requests since the last call that were on their way at the same time. */
  mostAtOnce(): number;
  stop(): Promise<void>;
}

/** An error answer of S3. */
export function s3Error(status: number, code: string): Fault {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message><RequestId>FAULT</RequestId></Error>`,
  };
}

/** Breaks the first `times` requests that match, and no more. */
export function breakTimes(
  times: number,
  matches: (request: ProxiedRequest) => boolean,
  fault: Fault,
): (request: ProxiedRequest) => Fault | undefined {
  let left = times;
  return (request) => (left > 0 && matches(request) && left-- > 0 ? fault : undefined);
}

export async function startFaultProxy(target: { readonly port: number }): Promise<FaultProxy> {
  let rule: (request: ProxiedRequest) => Fault | undefined = () => undefined;
  let bytesPerSecond: number | undefined;
  let freeAt = 0;
  let delay: number | undefined;
  let underWay = 0;
  let mostAtOnce = 0;
  let number = 0;
  const broken: ProxiedRequest[] = [];
  const upstream = new http.Agent({ keepAlive: true });

  /** Takes its share of the line, one chunk after the other. */
  const waitForLine = async (bytes: number): Promise<void> => {
    if (bytesPerSecond === undefined) return;
    const now = Date.now();
    freeAt = Math.max(freeAt, now) + (bytes / bytesPerSecond) * 1000;
    if (freeAt > now) await sleep(freeAt - now);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/', headers } = request;
    const proxied: ProxiedRequest = { method, url, headers, number: ++number };
    const fault = rule(proxied);
    if (fault !== undefined) broken.push(proxied);
    switch (fault?.kind) {
      case 'stall':
        return;
      case 'reset':
        await cutAfter(request, fault.afterBytes);
        return;
      case 'answer':
        request.resume();
        response.writeHead(fault.status, { ...fault.headers });
        response.end(fault.body);
        return;
      case 'lose-answer': {
        const { socket } = request;
        await forward(request, undefined);
        socket.destroy();
        return;
      }
      case undefined:
        await forward(request, response);
    }
  };

  const forward = async (request: IncomingMessage, response: ServerResponse | undefined): Promise<void> => {
    const onward = http.request({
      host: '127.0.0.1',
      port: target.port,
      agent: upstream,
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: request.headers,
    });
    const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
    answered.catch(() => undefined);
    for await (const chunk of request as AsyncIterable<Buffer>) {
      await waitForLine(chunk.length);
      if (!onward.write(chunk)) await once(onward, 'drain');
    }
    onward.end();
    const [answer] = await answered;
    response?.writeHead(answer.statusCode ?? 502, answer.headers);
    for await (const chunk of answer as AsyncIterable<Buffer>) response?.write(chunk);
    response?.end();
  };

  const server = http.createServer((request, response) => {
    const { socket } = request;
    mostAtOnce = Math.max(mostAtOnce, ++underWay);
    response.once('close', () => underWay--);
    const handling =
      delay === undefined ? handle(request, response) : sleep(delay).then(() => handle(request, response));
    // A client that gives up, or a server that cuts the line, is what these tests are about.
    handling.catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    broken,
    breakBy: (next) => (rule = next),
    throttle: (limit) => (bytesPerSecond = limit),
    delay: (milliseconds) => (delay = milliseconds),
    mostAtOnce: () => {
      const most = mostAtOnce;
      mostAtOnce = underWay;
      return most;
    },
    stop: async () => {
      upstream.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function cutAfter(request: IncomingMessage, bytes: number): Promise<void> {
  const { socket } = request;
  let seen = 0;
  while (seen < bytes && !request.readableEnded) {
    const [chunk] = (await once(request, 'data')) as [Buffer];
    seen += chunk.length;
  }
  // A reset rather than an orderly end.
  socket.resetAndDestroy();
}
