import { BlockList, isIP } from 'node:net';

/** Cloud machines ask these for their own identity: never by a proxy. */
const LINK_LOCAL = '169.254.0.0/16';

/**
 * Which hosts are reached without the proxy. A rule is a domain, which stands for all below it too (`corp`, `.corp`,
 * `*.corp`), an address or a range of addresses (`10.0.0.0/8`), or `*` for everything.
 */
export class ProxyExcludes {
  readonly #names: string[] = [];
  readonly #addresses = new BlockList();

  constructor(rules: readonly string[]) {
    for (const rule of [...rules, LINK_LOCAL]) this.#add(rule.trim().toLowerCase());
  }

  matches(hostname: string): boolean {
    const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
    const version = isIP(host);
    if (version !== 0 && this.#addresses.check(host, version === 4 ? 'ipv4' : 'ipv6')) return true;
    return this.#names.some((name) => name === '*' || `.${host}`.endsWith(`.${name}`));
  }

  #add(rule: string): void {
    const [address = '', prefix] = rule.split('/');
    const version = isIP(address);
    const family = version === 4 ? 'ipv4' : 'ipv6';
    if (rule === '') return;
    if (version === 0) this.#names.push(rule.replace(/^(?:\*?\.)+/, '').replace(/:\d+$/, ''));
    else if (prefix === undefined) this.#addresses.addAddress(address, family);
    else if (/^\d+$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)) {
      this.#addresses.addSubnet(address, Number(prefix), family);
    }
  }
}
