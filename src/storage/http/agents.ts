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
  /** A variable of the environment by which tools for this store name further authorities, such as `AWS_CA_BUNDLE`. */
  readonly bundleVariable?: string;
}

/** Connections of one storage entry: kept alive, by its proxy, with its certificates and its limits of time. */
export class Agents {
  readonly #authorities: readonly string[];
  readonly #settings: NetworkSettings;
  readonly #proxies: Proxies;
  /** By the proxy, or `direct`, and the protocol. */
  readonly #agents = new Map<string, http.Agent>();
  /** Made once: with some two hundred authorities, it takes as long as many a request. */
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

  /** @throws LakeportError of class `usage` where certificates can't be read or a proxy's address can't be used */
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

  /** The agent for requests to this address. */
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
   * The proxy that requests to a plain http address are sent to. It may answer them itself, which nothing but the form of
   * the answer tells.
   */
  plainProxy(url: string | URL): ProxyAddress | undefined {
    const address = new URL(url);
    return address.protocol === 'http:' ? this.#proxies.for(address) : undefined;
  }

  /** Closes the connections that are open. */
  destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  get #limits(): SocketLimits {
    const { connectTimeoutMs, timeoutMs } = this.#settings;
    return { connectMs: connectTimeoutMs, idleMs: timeoutMs };
  }

  #direct(secure: boolean): http.Agent {
    const agent = secure ? new https.Agent({ keepAlive: true, ...this.#tls() }) : new http.Agent({ keepAlive: true });
    return limitSockets(agent, this.#limits);
  }

  #proxied(proxy: ProxyAddress, secure: boolean): http.Agent {
    const { proxyCaCertificate } = this.#settings;
    const further = proxyCaCertificate === undefined ? [] : [proxyCaCertificate];
    const isEncrypted = proxy.url.protocol === 'https:';
    return this.#proxies.agent(proxy, secure, {
      tls: secure ? this.#tls() : {},
      proxyTls: isEncrypted ? { secureContext: createSecureContext({ ca: [...this.#authorities, ...further] }) } : {},
      limits: this.#limits,
    });
  }

  #tls(): { secureContext: SecureContext; rejectUnauthorized: boolean } {
    this.#context ??= createSecureContext({ ca: [...this.#authorities] });
    return { secureContext: this.#context, rejectUnauthorized: !this.#settings.allowInvalidCertificates };
  }
}
