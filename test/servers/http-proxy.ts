import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A proxy as companies have it: for plain requests and, by CONNECT, for TLS. Every name leads to the one server. */
export interface HttpProxy {
  readonly port: number;
  /** Hosts that were asked for, with the port where one was given. */
  readonly hosts: string[];
  /** The header of each request by which a client says who it is. */
  readonly logins: (string | undefined)[];
  stop(): Promise<void>;
}

export async function startHttpProxy(target: { readonly port: number }): Promise<HttpProxy> {
  const hosts: string[] = [];
  const logins: (string | undefined)[] = [];
  const proxy = http.createServer((request, response) => {
    const { host, pathname, search } = new URL(request.url ?? '/', 'http://none');
    hosts.push(host);
    logins.push(request.headers['proxy-authorization']);
    const onward = http.request({
      port: target.port,
      method: request.method ?? 'GET',
      path: pathname + search,
      headers: request.headers,
    });
    onward.on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)));
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  const tunnels = new Set<Duplex>();
  proxy.on('connect', (request, socket) => {
    tunnels.add(socket);
    hosts.push(request.url ?? '');
    logins.push(request.headers['proxy-authorization']);
    const onward = connect(target.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    const cut = () => {
      socket.destroy();
      onward.destroy();
    };
    socket.on('error', cut).on('close', cut);
    onward.on('error', cut);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    port: (proxy.address() as AddressInfo).port,
    hosts,
    logins,
    stop: async () => {
      proxy.closeAllConnections();
      for (const tunnel of tunnels) tunnel.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
