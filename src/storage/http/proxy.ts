import type http from 'node:http';
import type { Duplex } from 'node:stream';

import type * as HttpProxyPackage from 'http-proxy-agent';
import type * as HttpsProxyPackage from 'https-proxy-agent';

import { ENVIRONMENT } from '../../environment.js';
import type { NetworkSettings } from '../network-settings.js';
import { isLoopback } from './endpoint.js';
import { displayProxy, environmentProxy, parseProxy, type ProxyAddress } from './proxy-address.js';
import { ProxyError } from './proxy-error.js';
import { ProxyExcludes, splitRules } from './proxy-excludes.js';
import { limitSockets, type SocketLimits } from './socket-limits.js';

type AgentPackages = Pick<typeof HttpProxyPackage, 'HttpProxyAgent'> &
  Pick<typeof HttpsProxyPackage, 'HttpsProxyAgent'>;

export interface TunnelOptions {
  /** For the connection inside the tunnel. */
  readonly tls: Readonly<Record<string, unknown>>;
  /** For the connection to the proxy itself, should that be encrypted. */
  readonly proxyTls: Readonly<Record<string, unknown>>;
  readonly limits: SocketLimits;
}

/** Which requests of an entry go through which proxy. */
export class Proxies {
  readonly #addresses: Readonly<Record<'http' | 'https', ProxyAddress | undefined>>;
  readonly #excludes: (url: URL) => boolean;
  readonly #packages: AgentPackages | undefined;

  private constructor(options: {
    addresses: Readonly<Record<'http' | 'https', ProxyAddress | undefined>>;
    excludes: (url: URL) => boolean;
    packages: AgentPackages | undefined;
  }) {
    this.#addresses = options.addresses;
    this.#excludes = options.excludes;
    this.#packages = options.packages;
  }

  /**
   * The entry's proxy, or else the environment's, which this machine's own addresses never go through.
   * @throws LakeportError of class `usage` where a proxy's address can't be used
   */
  static async load(entry: string, settings: NetworkSettings): Promise<Proxies> {
    const env = ENVIRONMENT;
    const { proxyUrl } = settings;
    const own = proxyUrl === undefined ? undefined : parseProxy(proxyUrl, { entry, source: 'proxy_url' });
    const addresses = {
      http: own ?? environmentProxy('http', { entry, env }),
      https: own ?? environmentProxy('https', { entry, env }),
    };
    const noProxy = own === undefined ? splitRules(env['no_proxy'] ?? env['NO_PROXY'] ?? '') : [];
    const excludes = new ProxyExcludes([...settings.proxyExcludes, ...noProxy]);
    const needed = addresses.http !== undefined || addresses.https !== undefined;
    return new Proxies({
      addresses,
      excludes: (url) =>
        excludes.matches(url.hostname, url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port) ||
        (own === undefined && isLoopback(url.hostname)),
      packages: needed ? { ...(await import('http-proxy-agent')), ...(await import('https-proxy-agent')) } : undefined,
    });
  }

  /** The proxy on the way to an address; undefined where none is. */
  for(url: URL): ProxyAddress | undefined {
    return this.#excludes(url) ? undefined : this.#addresses[url.protocol === 'https:' ? 'https' : 'http'];
  }

  /** Connections through a proxy, kept alive. */
  agent(proxy: ProxyAddress, secure: boolean, { tls, proxyTls, limits }: TunnelOptions): http.Agent {
    if (this.#packages === undefined) throw new TypeError('there is no proxy');
    const { HttpProxyAgent, HttpsProxyAgent } = this.#packages;
    const options = { keepAlive: true, ...proxyTls };
    const agent = secure ? new HttpsProxyAgent(proxy.url, options) : new HttpProxyAgent(proxy.url, options);
    // `tls` is for the connection inside the tunnel. Without `secureEndpoint` the agent looks for the module in the stack
    // of each call to see whether TLS is wanted. It isn't in there when a connection comes back, which is then put away
    // under the name of a plain one and never found again.
    Object.assign(agent.options, secure ? { ...tls, secureEndpoint: true } : { secureEndpoint: false });
    return nameProxy(limitSockets(agent, limits), proxy);
  }
}

/** What agents of proxies have, but their type declarations have not in this form. */
interface ConnectingAgent {
  connect: (request: http.ClientRequest, options: ConnectOptions) => Promise<Duplex>;
}

interface ConnectOptions {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
}

/**
 * Makes failures on the way to the proxy, and its refusals, errors of the proxy. The agent would hand on the answer to
 * CONNECT as if the store had given it.
 */
function nameProxy<A extends http.Agent>(agent: A, proxy: ProxyAddress): A {
  // See ConnectingAgent.
  const connecting = agent as unknown as ConnectingAgent;
  const connect = connecting.connect.bind(agent);
  connecting.connect = async (request, options) => {
    let status = 200;
    request.once('proxyConnect', (answer: { readonly statusCode: number }) => (status = answer.statusCode));
    const socket = await connect(request, options).catch((error: unknown) => {
      throw unreachable(proxy, error);
    });
    if (status === 200) return socket;
    socket.destroy();
    throw refusal(proxy, status, `${options.host ?? ''}:${options.port ?? ''}`);
  };
  return agent;
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'does not exist: there is no such host',
  EAI_AGAIN: 'was not found: the name server gives no answer',
  ETIMEDOUT: 'did not answer in time',
  EHOSTUNREACH: 'is unreachable',
  ENETUNREACH: 'is unreachable',
  EPROTO: 'does not speak TLS: its address should begin with http://',
};

function unreachable(proxy: ProxyAddress, error: unknown): ProxyError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const named = `The proxy ${displayProxy(proxy)}`;
  if (/^CERT_|SELF_SIGNED|^UNABLE_TO_|ALTNAME_INVALID$/.test(code)) {
    const message = `${named} has a certificate that this machine does not trust`;
    return new ProxyError('PROXY_CERTIFICATE_NOT_TRUSTED', message, error);
  }
  const says = UNREACHABLE[code.startsWith('ERR_SSL_') ? 'EPROTO' : code] ?? 'cut the connection';
  return new ProxyError('PROXY_UNREACHABLE', `${named} ${says}`, error);
}

/** With what proxies answer a plain request themselves; other pages are more likely the server's. */
const OWN_STATUSES = [403, 407, 500, 502, 503, 504];

/**
 * What a page means that came through a proxy where the server would have answered in its own form.
 * @param proxy of `Agents.plainProxy`
 * @param target `host:port`, for people
 */
export function proxyPage(proxy: ProxyAddress | undefined, status: number, target: string): ProxyError | undefined {
  return proxy === undefined || !OWN_STATUSES.includes(status) ? undefined : refusal(proxy, status, target);
}

function refusal(proxy: ProxyAddress, status: number, target: string): ProxyError {
  const named = `The proxy ${displayProxy(proxy)}`;
  if (status === 407) {
    const wants = proxy.url.username === '' ? 'wants a user and a password' : 'does not accept user and password';
    return new ProxyError('PROXY_LOGIN_NEEDED', `${named} ${wants}`);
  }
  if (status >= 500) return new ProxyError('PROXY_FAILED', `${named} could not reach ${target} (HTTP ${status})`);
  return new ProxyError('PROXY_REFUSED', `${named} refused to connect to ${target} (HTTP ${status})`);
}
