import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';

import type { NetworkSettings } from '../../auth/entries.js';
import { LakeportError } from '../../errors.js';
import { isLoopback } from './endpoint.js';
import { ProxyExcludes } from './proxy-excludes.js';
import { limitSockets, type SocketLimits } from './socket-limits.js';

interface TlsSettings {
  readonly ca?: string[];
  readonly rejectUnauthorized: boolean;
}

/** Connections of one storage entry: kept alive, by its proxy, with its certificates and its limits of time. */
export class Agents {
  readonly #tls: TlsSettings;
  readonly #limits: SocketLimits;
  readonly #proxy: Proxy | undefined;
  /** By `proxied` or `direct` and the protocol. */
  readonly #agents = new Map<string, http.Agent>();

  private constructor(options: { tls: TlsSettings; limits: SocketLimits; proxy: Proxy | undefined }) {
    this.#tls = options.tls;
    this.#limits = options.limits;
    this.#proxy = options.proxy;
  }

  /** @throws LakeportError of class `usage` where the certificates can't be read or the proxy's address is none */
  static async create(entry: string, settings: NetworkSettings): Promise<Agents> {
    const { allowInvalidCertificates, caCertificate, timeoutMs, connectTimeoutMs } = settings;
    const ca = caCertificate === undefined ? undefined : await readAuthorities(entry, caCertificate);
    return new Agents({
      tls: { rejectUnauthorized: !allowInvalidCertificates, ...(ca === undefined ? {} : { ca }) },
      limits: { connectMs: connectTimeoutMs, idleMs: timeoutMs },
      proxy: await loadProxy(entry, settings),
    });
  }

  /** The agent for requests to this address. */
  for(url: string | URL): http.Agent {
    const { protocol, hostname } = new URL(url);
    const secure = protocol === 'https:';
    const proxy = this.#proxy?.excludes(hostname) === false ? this.#proxy : undefined;
    const key = `${proxy === undefined ? 'direct' : 'proxied'} ${protocol}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = limitSockets(proxy?.agent(secure, this.#tls) ?? this.#direct(secure), this.#limits);
    this.#agents.set(key, agent);
    return agent;
  }

  /** Closes the connections that are open. */
  destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #direct(secure: boolean): http.Agent {
    return secure ? new https.Agent({ keepAlive: true, ...this.#tls }) : new http.Agent({ keepAlive: true });
  }
}

interface Proxy {
  excludes(hostname: string): boolean;
  agent(secure: boolean, tls: TlsSettings): http.Agent;
}

/** The entry's proxy, or else the environment's, which this machine's own addresses never go through. */
async function loadProxy(entry: string, settings: NetworkSettings): Promise<Proxy | undefined> {
  const { env } = process;
  const address =
    settings.proxyUrl ?? env['HTTPS_PROXY'] ?? env['https_proxy'] ?? env['HTTP_PROXY'] ?? env['http_proxy'];
  if (address === undefined || address === '') return undefined;
  const fromEnvironment = settings.proxyUrl === undefined;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new LakeportError({
      code: 'STORAGE_PROXY_INVALID',
      exit: 'usage',
      message: `The proxy of ${entry} is not an http or https address`,
      hint: fromEnvironment
        ? 'Correct HTTPS_PROXY, or set proxy_url in the entry.'
        : 'Write it as http://proxy.example.com:3128.',
      context: { entry, detail: fromEnvironment ? 'HTTPS_PROXY' : 'proxy_url' },
    });
  }
  const noProxy = (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',');
  const excludes = new ProxyExcludes([...settings.proxyExcludes, ...(fromEnvironment ? noProxy : [])]);
  const { proxyCaCertificate } = settings;
  const [{ HttpProxyAgent }, { HttpsProxyAgent }] = await Promise.all([
    import('http-proxy-agent'),
    import('https-proxy-agent'),
  ]);
  return {
    excludes: (hostname) => excludes.matches(hostname) || (fromEnvironment && isLoopback(hostname)),
    agent: (secure, tls) => {
      const options = {
        keepAlive: true,
        ...(proxyCaCertificate === undefined ? {} : { ca: [...rootCertificates, proxyCaCertificate] }),
      };
      if (!secure) return new HttpProxyAgent(url, options);
      const agent = new HttpsProxyAgent(url, options);
      // These go to the connection inside the tunnel; those above to the one to the proxy.
      Object.assign(agent.options, tls);
      return agent;
    },
  };
}

async function readAuthorities(entry: string, file: string): Promise<string[]> {
  try {
    // Named authorities replace Node's own, which stay wanted: the token service may be public and the store not.
    return [...rootCertificates, await readFile(file, 'utf8')];
  } catch (cause) {
    throw new LakeportError({
      code: 'STORAGE_CA_UNREADABLE',
      exit: 'usage',
      message: `The certificates ${file} of ${entry} cannot be read`,
      hint: 'Give the path of a PEM file in ca_certificate.',
      context: { entry, path: file, detail: 'ca_certificate' },
      cause,
    });
  }
}
