import { isIP } from 'node:net';

import { LakeportError } from '../../errors.js';

/** Whether this is the local machine, which needs no encryption. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === '::1' || host === 'localhost' || host.endsWith('.localhost');
}

/**
 * A store's address as a URL without a trailing slash.
 * @throws LakeportError of class `usage` if it is invalid, or would send credentials and data in the clear
 */
export function checkEndpoint(options: {
  readonly entry: string;
  readonly endpoint: string;
  readonly allowHttp: boolean;
}): URL {
  const { entry, endpoint, allowHttp } = options;
  const url = parse(endpoint);
  if (url === undefined) {
    throw new LakeportError({
      code: 'STORAGE_ENDPOINT_INVALID',
      message: `The endpoint of ${entry} is not an http or https address`,
      hint: 'Write endpoint_url with its scheme, such as https://storage.example.com.',
      context: { entry, detail: 'endpoint_url' },
    });
  }
  if (url.protocol === 'http:' && !allowHttp && !isLoopback(url.hostname)) {
    throw new LakeportError({
      code: 'STORAGE_PLAIN_HTTP',
      message: `The endpoint ${url.origin} of ${entry} is plain http: data and credentials would travel unencrypted`,
      hint: 'Use https, or set "allow_http": true in the entry if the network is trusted.',
      context: { entry, detail: 'allow_http' },
    });
  }
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

function parse(endpoint: string): URL | undefined {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}
