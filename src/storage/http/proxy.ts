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
  /** For the connection to the proxy itself, if that is encrypted. */
  readonly proxyTls: Readonly<Record<string, unknown>>;
  readonly limits: SocketLimits;
}

/** Which proxy each of an entry's requests uses. */
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
   * The entry's proxy, otherwise the environment's, which is never used for this machine's own addresses.
   * @throws LakeportError of class `usage` if a proxy's address cannot be used
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

  /** The proxy for a URL; undefined if it is reached directly. */
  for(url: URL): ProxyAddress | undefined {
    return this.#excludes(url) ? undefined : this.#addresses[url.protocol === 'https:' ? 'https' : 'http'];
  }

  /** Keep-alive connections through a proxy. */
  agent(proxy: ProxyAddress, secure: boolean, { tls, proxyTls, limits }: TunnelOptions): http.Agent {
    if (this.#packages === undefined) throw new TypeError('There is no proxy');
    const { HttpProxyAgent, HttpsProxyAgent } = this.#packages;
    const options = { keepAlive: true, ...proxyTls };
    const agent = secure ? new HttpsProxyAgent(proxy.url, options) : new HttpProxyAgent(proxy.url, options);
    // `tls` is for the connection inside the tunnel. Without `secureEndpoint` the agent inspects the call stack for the https
    // module to see whether TLS is wanted. That fails when a connection is returned to the pool, which then stores it under
    // the name of a plain one and never finds it again.
    Object.assign(agent.options, secure ? { ...tls, secureEndpoint: true } : { secureEndpoint: false });
    return nameProxy(limitSockets(agent, limits), proxy);
  }
}

/** Properties of proxy agents that their type declarations lack in this form. */
interface ConnectingAgent {
  connect: (request: http.ClientRequest, options: ConnectOptions) => Promise<Duplex>;
}

interface ConnectOptions {
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
}

/**
 * Turns failures to reach the proxy, and its rejections, into errors of the proxy. The agent would pass on the response
 * to CONNECT as if it came from the store.
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
  EAI_AGAIN: 'was not found: the name server does not answer',
  ETIMEDOUT: 'did not answer in time',
  EHOSTUNREACH: 'is unreachable',
  ENETUNREACH: 'is unreachable',
  EPROTO: 'does not speak TLS: its address should start with http://',
};

function unreachable(proxy: ProxyAddress, error: unknown): ProxyError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const named = `The proxy ${displayProxy(proxy)}`;
  if (/^CERT_|SELF_SIGNED|^UNABLE_TO_|ALTNAME_INVALID$/.test(code)) {
    const message = `${named} has a certificate that this machine does not trust`;
    return new ProxyError('PROXY_CERTIFICATE_NOT_TRUSTED', message, error);
  }
  const says = UNREACHABLE[code.startsWith('ERR_SSL_') ? 'EPROTO' : code] ?? 'closed the connection';
  return new ProxyError('PROXY_UNREACHABLE', `${named} ${says}`, error);
}

/** Statuses with which proxies respond to a plain request themselves; other pages are more likely the server's. */
const OWN_STATUSES = [403, 407, 500, 502, 503, 504];

/**
 * Interprets a web page that came through a proxy in place of the server's own format.
 * @param proxy from `Agents.plainProxy`
 * @param target `host:port`, for messages
 */
export function proxyPage(proxy: ProxyAddress | undefined, status: number, target: string): ProxyError | undefined {
  return proxy === undefined || !OWN_STATUSES.includes(status) ? undefined : refusal(proxy, status, target);
}

function refusal(proxy: ProxyAddress, status: number, target: string): ProxyError {
  const named = `The proxy ${displayProxy(proxy)}`;
  if (status === 407) {
    const wants = proxy.url.username === '' ? 'requires a user name and password' : 'rejects the user name or password';
    return new ProxyError('PROXY_LOGIN_NEEDED', `${named} ${wants}`);
  }
  if (status >= 500) return new ProxyError('PROXY_FAILED', `${named} could not reach ${target} (HTTP ${status})`);
  return new ProxyError('PROXY_REFUSED', `${named} refused to connect to ${target} (HTTP ${status})`);
}
