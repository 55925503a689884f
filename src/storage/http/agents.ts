import http from 'node:http';
import https from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';

import { ENVIRONMENT } from '../../environment.js';
import type { NetworkSettings } from '../network-settings.js';
import { readAuthorities, trustedAuthorities } from '../../network/trusted-authorities.js';
import { Proxies } from './proxy.js';
import type { ProxyAddress } from './proxy-address.js';
import { limitSockets, type SocketLimits } from './socket-limits.js';

export interface AgentsOptions {
  /** Id of the storage entry. */
  readonly entry: string;
  readonly settings: NetworkSettings;
  /** The environment variable with which this store's tools name more CAs, such as `AWS_CA_BUNDLE`. */
  readonly bundleVariable?: string;
}

/** Connections of one storage entry: kept alive, with its proxy, certificates and timeouts. */
export class Agents {
  readonly #authorities: readonly string[];
  readonly #settings: NetworkSettings;
  readonly #proxies: Proxies;
  /** By proxy (or `direct`) and protocol. */
  readonly #agents = new Map<string, http.Agent>();
  /** Created once: with some two hundred CAs, that takes as long as many a request. */
  #context: SecureContext | undefined;

  private constructor(options: {
    readonly authorities: readonly string[];
    readonly settings: NetworkSettings;
    readonly proxies: Proxies;
  }) {
    this.#authorities = options.authorities;
    this.#settings = options.settings;
    this.#proxies = options.proxies;
  }

  /** @throws LakeportError of class `usage` if certificates cannot be read or a proxy's address cannot be used */
  static async create({ entry, settings, bundleVariable }: AgentsOptions): Promise<Agents> {
    const { caCertificate } = settings;
    const bundle = bundleVariable === undefined ? undefined : ENVIRONMENT[bundleVariable];
    const authorities = await Promise.all([
      trustedAuthorities(),
      caCertificate === undefined
        ? []
        : readAuthorities(caCertificate, { detail: 'ca_certificate', entry, code: 'STORAGE_CA_UNREADABLE' }),
      bundle === undefined || bundle === '' ? [] : readAuthorities(bundle, { detail: bundleVariable ?? '' }),
    ]);
    return new Agents({ authorities: authorities.flat(), settings, proxies: await Proxies.load(entry, settings) });
  }

  /** The agent for requests to this URL. */
  for(url: string | URL): http.Agent {
    const address = new URL(url);
    const secure = address.protocol === 'https:';
    const proxy = this.#proxies.for(address);
    const key = `${proxy?.url.href ?? 'direct'} ${address.protocol}`;
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = proxy === undefined ? this.#direct(secure) : this.#proxied(proxy, secure);
    this.#agents.set(key, agent);
    return agent;
  }

  /**
   * The proxy for requests to a plain http URL. It may respond itself, which only the form of the response reveals.
   */
  plainProxy(url: string | URL): ProxyAddress | undefined {
    const address = new URL(url);
    return address.protocol === 'http:' ? this.#proxies.for(address) : undefined;
  }

  /** Closes all open connections. */
  destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  get #limits(): SocketLimits {
    const { connectTimeoutMs, timeoutMs } = this.#settings;
    return { connectMs: connectTimeoutMs, idleMs: timeoutMs };
  }

  #direct(secure: boolean): http.Agent {
    if (!secure) return limitSockets(new http.Agent({ keepAlive: true }), this.#limits);
    const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: this.#isVerified });
    // Each request copies the options. Clients ask for an agent of each protocol, and stores without TLS never use this one.
    Object.defineProperty(agent.options, 'secureContext', { enumerable: true, get: () => this.#secureContext() });
    return limitSockets(agent, this.#limits);
  }

  #proxied(proxy: ProxyAddress, secure: boolean): http.Agent {
    const { proxyCaCertificate } = this.#settings;
    const further = proxyCaCertificate === undefined ? [] : [proxyCaCertificate];
    const isEncrypted = proxy.url.protocol === 'https:';
    return this.#proxies.agent(proxy, secure, {
      tls: secure ? { secureContext: this.#secureContext(), rejectUnauthorized: this.#isVerified } : {},
      proxyTls: isEncrypted ? { secureContext: createSecureContext({ ca: [...this.#authorities, ...further] }) } : {},
      limits: this.#limits,
    });
  }

  get #isVerified(): boolean {
    return !this.#settings.allowInvalidCertificates;
  }

  #secureContext(): SecureContext {
    return (this.#context ??= createSecureContext({ ca: [...this.#authorities] }));
  }
}
