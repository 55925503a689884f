import { BlockList, isIP } from 'node:net';

/**
 * Metadata services of cloud machines: Amazon (IPv4 and IPv6), Azure and Google by address, Google by name. From a proxy,
 * such an address leads to another machine.
 */
const METADATA_SERVICES = ['169.254.0.0/16', 'fd00:ec2::/32', 'fd20:ce::254', 'metadata.google.internal'];

interface NameRule {
  readonly name: string;
  /** Undefined for all. */
  readonly port: string | undefined;
}

/**
 * Which hosts are reached without the proxy. A rule is a domain, which includes its subdomains (`corp`, `.corp`,
 * `*.corp`), an address or a range of addresses (`10.0.0.0/8`), or `*` for everything; with a port (`corp:8080`,
 * `[::1]:8080`) it applies to that port only.
 */
export class ProxyExcludes {
  readonly #names: NameRule[] = [];
  readonly #addresses = new BlockList();

  constructor(rules: readonly string[]) {
    for (const rule of [...rules, ...METADATA_SERVICES]) this.#add(rule.trim().toLowerCase());
  }

  /** @param port of the request; the protocol's default if the URL has none */
  matches(hostname: string, port?: string): boolean {
    const host = hostname
      .toLowerCase()
      .replace(/^\[(.*)\]$/, '$1')
      .replace(/\.$/, '');
    const version = isIP(host);
    if (version !== 0 && this.#addresses.check(host, version === 4 ? 'ipv4' : 'ipv6')) return true;
    return this.#names
      .filter((rule) => rule.port === undefined || rule.port === port)
      .some(({ name }) => name === '*' || `.${host}`.endsWith(`.${name}`));
  }

  #add(rule: string): void {
    if (rule === '') return;
    const [address = '', prefix] = rule.replace(/^\[(.*)\]$/, '$1').split('/');
    const version = isIP(address);
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (version === 0) this.#names.push(nameRule(rule));
    else if (prefix === undefined) this.#addresses.addAddress(address, family);
    else if (/^\d+$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)) {
      this.#addresses.addSubnet(address, Number(prefix), family);
    }
  }
}

/** The list in `NO_PROXY`: separated by commas, spaces, or both. */
export function splitRules(list: string): string[] {
  return list.split(/[\s,]+/).filter((rule) => rule !== '');
}

function nameRule(rule: string): NameRule {
  const [, host = rule, port] = /^(.*?)(?::(\d+))?$/.exec(rule) ?? [];
  return { name: host.replace(/^(?:\*?\.)+/, '').replace(/^\[(.*)\]$/, '$1'), port };
}
