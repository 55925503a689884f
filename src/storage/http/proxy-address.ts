import { LakeportError } from '../../errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy's address and its origin: the entry's field, or an environment variable. */
export interface ProxyAddress {
  readonly url: URL;
  readonly source: string;
}

/**
 * The proxy that the environment sets for a protocol, as curl and Python read it: the protocol's own variable before the
 * general one, lower case before upper case. An empty variable counts as unset.
 * @throws LakeportError of class `usage` if the address cannot be used
 */
export function environmentProxy(
  protocol: 'http' | 'https',
  options: { readonly entry: string; readonly env: Environment },
): ProxyAddress | undefined {
  const { entry, env } = options;
  const names = [`${protocol}_proxy`, `${protocol}_proxy`.toUpperCase(), 'all_proxy', 'ALL_PROXY'];
  // A web server sets it from a request header ("httpoxy", CVE-2016-5385).
  const usable = names.filter((name) => name !== 'HTTP_PROXY' || env['REQUEST_METHOD'] === undefined);
  const source = usable.find((name) => (env[name] ?? '').trim() !== '');
  return source === undefined ? undefined : parseProxy(env[source] ?? '', { entry, source });
}

/**
 * Parses the address of an HTTP proxy, with or without a scheme.
 * @throws LakeportError of class `usage` if it is invalid
 */
export function parseProxy(address: string, from: { readonly entry: string; readonly source: string }): ProxyAddress {
  const trimmed = address.trim();
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || url.hostname === '' || !/^https?:$/.test(url.protocol)) throw invalid(url, from);
  url.username = decodable(url.username);
  url.password = decodable(url.password);
  return { url, source: from.source };
}

/** `host:port`, without credentials. */
export function displayProxy({ url, source }: ProxyAddress): string {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return `${url.hostname}:${port} (${source})`;
}

/** A percent sign that starts no escape is literal, as people write it in passwords. */
function decodable(text: string): string {
  const repaired = text.replace(/%(?![0-9a-f]{2})/gi, '%25');
  try {
    decodeURIComponent(repaired);
    return repaired;
  } catch {
    // Escapes of bytes that are not valid UTF-8.
    return text.replaceAll('%', '%25');
  }
}

function invalid(url: URL | undefined, { entry, source }: { entry: string; source: string }): LakeportError {
  const socks = url?.protocol.startsWith('socks') === true;
  return new LakeportError({
    code: 'STORAGE_PROXY_INVALID',
    message: socks
      ? `The proxy in ${source} for ${entry} is a SOCKS proxy, which lakeport does not support`
      : `The proxy in ${source} for ${entry} is not an http or https address`,
    hint: `Write it as http://proxy.example.com:3128 in ${source}${source === 'proxy_url' ? '' : ', or set proxy_url in the entry'}.`,
    context: { entry, detail: source },
  });
}
