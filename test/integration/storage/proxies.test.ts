import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import type { NetworkSettings } from '../../../src/storage/network-settings.js';
import type { StorageEntry } from '../../../src/auth/entries.js';
import { openStorage } from '../../../src/stores.js';
import { startAzurite } from '../../servers/azurite.js';
import { AUTHORITY, LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { failure } from '../../harness/failure.js';
import { startGcsServer } from '../../servers/gcs-server.js';
import { type HttpProxy, startHttpProxy } from '../../servers/http-proxy.js';
import { s3Entry } from '../../harness/s3-entry.js';
import { startS3Server } from '../../servers/s3-server/index.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { azureEntry, gcsEntry } from '../../harness/store-entries.js';

const BUCKET = 'lake-bucket';
const tls = { key: SERVER_KEY, cert: LOCALHOST_CERTIFICATE };
const scratch = new ScratchDirectory();
const authority = path.join(scratch.path, 'authority.pem');
const VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'SSL_CERT_FILE', 'AWS_CA_BUNDLE'];

type Network = Partial<NetworkSettings>;

/** A store that speaks TLS, and an entry for it. */
interface SecureStore {
  readonly port: number;
  entry(network: Network): StorageEntry;
  stop(): Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<SecureStore>>> = {
  S3: async () => {
    const server = await startS3Server({ bucket: BUCKET, tls });
    const endpointUrl = `https://localhost:${server.port}`;
    return { ...server, port: server.port, entry: (network) => s3Entry({ bucket: BUCKET, endpointUrl, ...network }) };
  },
  'Cloud Storage': async () => {
    const server = await startGcsServer({ buckets: [BUCKET], tls });
    const endpointUrl = `https://localhost:${server.port}`;
    return { ...server, port: server.port, entry: (network) => gcsEntry({ bucket: BUCKET, endpointUrl, ...network }) };
  },
  Azure: async () => {
    const [cert, key] = [path.join(scratch.path, 'cert.pem'), path.join(scratch.path, 'key.pem')];
    writeFileSync(cert, tls.cert);
    writeFileSync(key, tls.key);
    const azurite = await startAzurite({ args: ['--cert', cert, '--key', key] });
    const { account, key: accountKey, port } = azurite;
    const endpointUrl = `https://localhost:${port}`;
    const service = new BlobServiceClient(
      `${endpointUrl}/${account}`,
      new StorageSharedKeyCredential(account, accountKey),
      // Options reach the pipeline as they are.
      { ...({ tlsOptions: { ca: AUTHORITY } } as object) },
    );
    await service.createContainer(BUCKET);
    const credentials = { kind: 'account-key', accountKey } as const;
    return {
      port,
      stop: () => azurite.stop(),
      entry: (network) => azureEntry({ accountName: account, container: BUCKET, credentials, endpointUrl, ...network }),
    };
  },
};

beforeAll(() => {
  writeFileSync(authority, AUTHORITY);
  for (const name of VARIABLES.flatMap((one) => [one, one.toUpperCase()])) vi.stubEnv(name, undefined);
});

afterAll(() => {
  vi.unstubAllEnvs();
  scratch.remove();
});

let directories = 0;

async function writeSome(entry: StorageEntry, count = 1): Promise<void> {
  const storage = await openStorage({ kind: 'entry', entry });
  try {
    const directory = `t${++directories}`;
    for (let index = 0; index < count; index++) await storage.put(`${directory}/${index}`, Buffer.from('x'));
    expect(await storage.list(directory)).toHaveLength(count);
  } finally {
    await storage.close();
  }
}

describe.each(Object.keys(STORES))('%s over TLS', (name) => {
  let store: SecureStore;
  let proxy: HttpProxy;

  beforeAll(async () => {
    store = await STORES[name]!();
    proxy = await startHttpProxy(store);
  });

  afterAll(async () => {
    await proxy.stop();
    await store.stop();
  });

  it('keeps one tunnel through a proxy for all requests that follow each other', async () => {
    await writeSome(store.entry({ proxyUrl: `http://127.0.0.1:${proxy.port}`, caCertificate: authority }), 20);
    expect(proxy.hosts).toEqual([`localhost:${store.port}`]);
  });

  it('names the proxy that is down', async () => {
    const entry = store.entry({
      proxyUrl: 'http://127.0.0.1:9',
      caCertificate: authority,
      maxRetries: 0,
      connectTimeoutMs: 500,
    });
    const error = await failure(writeSome(entry));
    expect(error).toMatchObject({ code: 'PROXY_UNREACHABLE', exit: 'unreachable', transient: true });
    expect(error.message).toBe('The proxy 127.0.0.1:9 (proxy_url) refused the connection');
  });

  it.each([
    [403, { code: 'PROXY_REFUSED', transient: false }, 'refused to connect to localhost:'],
    [407, { code: 'PROXY_LOGIN_NEEDED', transient: false }, 'rejects the user name or password'],
    [502, { code: 'PROXY_FAILED', transient: true }, 'could not reach localhost:'],
  ])('names the proxy that answers %i', async (status, expected, words) => {
    const refusing = http.createServer();
    refusing.on('connect', (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n<html>An error page</html>`));
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const { port } = refusing.address() as AddressInfo;
    const proxyUrl = `http://user:hidden-word@127.0.0.1:${port}`;
    const error = await failure(writeSome(store.entry({ proxyUrl, caCertificate: authority, maxRetries: 0 })));
    expect(error).toMatchObject(expected);
    expect(error.message).toContain(`The proxy 127.0.0.1:${port} (proxy_url) ${words}`);
    expect(JSON.stringify(error.toData())).not.toContain('hidden-word');
    refusing.close();
  });

  it('is trusted by the authorities of SSL_CERT_FILE', async () => {
    vi.stubEnv('SSL_CERT_FILE', authority);
    try {
      await writeSome(store.entry({}));
    } finally {
      vi.stubEnv('SSL_CERT_FILE', undefined);
    }
  });
});

describe('a proxy that answers plain requests with a page of its own', () => {
  const credentials = { kind: 'account-key', accountKey: 'aGlkZGVuLXdvcmQ=' } as const;
  const endpointUrl = 'http://store.example:9000';
  const entries: Readonly<Record<string, (network: Network) => StorageEntry>> = {
    S3: (network) => s3Entry({ bucket: BUCKET, endpointUrl, allowHttp: true, maxRetries: 0, ...network }),
    'Cloud Storage': (network) => gcsEntry({ endpointUrl, allowHttp: true, maxRetries: 0, ...network }),
    Azure: (network) =>
      azureEntry({ accountName: 'lake', credentials, endpointUrl, allowHttp: true, maxRetries: 0, ...network }),
  };
  let proxy: http.Server;
  let status = 403;

  beforeAll(async () => {
    proxy = http.createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html', via: '1.1 proxy (squid/5.7)' });
      response.end('<!DOCTYPE html><html><body>ERR_ACCESS_DENIED</body></html>');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => proxy.close());

  it.each(
    Object.keys(entries).flatMap((name) => [
      [name, 403, 'PROXY_REFUSED', 'refused to connect to store.example:9000 (HTTP 403)'] as const,
      [name, 407, 'PROXY_LOGIN_NEEDED', 'requires a user name and password'] as const,
      [name, 502, 'PROXY_FAILED', 'could not reach store.example:9000 (HTTP 502)'] as const,
    ]),
  )('is named by %s at %i', async (name, answered, code, words) => {
    status = answered;
    const { port } = proxy.address() as AddressInfo;
    const error = await failure(writeSome(entries[name]!({ proxyUrl: `http://127.0.0.1:${port}` })));
    expect(error).toMatchObject({ code, exit: 'unreachable', transient: answered === 502 });
    expect(error.message).toBe(`The proxy 127.0.0.1:${port} (proxy_url) ${words}`);
  });

  it('is not blamed for a page of the server', async () => {
    status = 404;
    const { port } = proxy.address() as AddressInfo;
    const error = await failure(writeSome(entries['S3']!({ proxyUrl: `http://127.0.0.1:${port}` })));
    expect(error.code).toBe('S3_NOT_AN_S3_ENDPOINT');
  });
});

describe('the environment', () => {
  let store: SecureStore;
  let proxy: HttpProxy;

  beforeAll(async () => {
    store = await STORES['S3']!();
    proxy = await startHttpProxy(store);
  });

  afterEach(() => {
    for (const name of VARIABLES.flatMap((one) => [one, one.toUpperCase()])) vi.stubEnv(name, undefined);
    proxy.hosts.length = 0;
    proxy.logins.length = 0;
  });

  afterAll(async () => {
    await proxy.stop();
    await store.stop();
  });

  /** A name that only the proxy knows; the certificate is for another one. */
  const distant = (network: Network = {}) =>
    s3Entry({
      bucket: BUCKET,
      endpointUrl: 'https://store.test',
      maxRetries: 0,
      allowInvalidCertificates: true,
      ...network,
    });

  it.each([
    ['HTTPS_PROXY', 'http://127.0.0.1:PORT'],
    ['https_proxy', '127.0.0.1:PORT'],
    ['ALL_PROXY', ' localhost:PORT/ '],
    ['all_proxy', 'HTTP://localhost:PORT'],
  ])('names the proxy by %s as %s', async (variable, address) => {
    vi.stubEnv(variable, address.replace('PORT', String(proxy.port)));
    await writeSome(distant());
    expect(proxy.hosts).toEqual(['store.test:443']);
  });

  it('is read for its protocol, in lower case first, and for this machine not at all', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
    vi.stubEnv('https_proxy', `http://127.0.0.1:${proxy.port}`);
    await writeSome(distant());
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:9');
    await writeSome(store.entry({ caCertificate: authority }));
    expect(proxy.hosts).toEqual(['store.test:443']);
  });

  it('gives user and password, percent signs included', async () => {
    vi.stubEnv('HTTPS_PROXY', `us%40er:50%off@127.0.0.1:${proxy.port}`);
    await writeSome(distant());
    expect(proxy.logins).toEqual([`Basic ${Buffer.from('us@er:50%off').toString('base64')}`]);
  });

  it.each(['other.test, .test', 'other.test store.test', 'store.test:443', '*'])(
    'excludes hosts by NO_PROXY=%s',
    async (excluded) => {
      vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${proxy.port}`);
      vi.stubEnv('NO_PROXY', excluded);
      expect(await failure(writeSome(distant()))).toMatchObject({ code: 'S3_UNKNOWN_HOST' });
      expect(proxy.hosts).toEqual([]);
    },
  );

  it.each([
    ['socks5://127.0.0.1:1080', 'SOCKS'],
    ['http://', 'not an http or https address'],
  ])('is refused where it names %s', async (address, words) => {
    vi.stubEnv('ALL_PROXY', address);
    const error = await failure(writeSome(distant()));
    expect(error).toMatchObject({ code: 'STORAGE_PROXY_INVALID', exit: 'usage', context: { detail: 'ALL_PROXY' } });
    expect(error.message).toContain(words);
  });

  it('names authorities by AWS_CA_BUNDLE', async () => {
    vi.stubEnv('AWS_CA_BUNDLE', authority);
    await writeSome(store.entry({}));
    vi.stubEnv('AWS_CA_BUNDLE', `${authority}.gone`);
    const error = await failure(writeSome(store.entry({})));
    expect(error).toMatchObject({ code: 'CA_FILE_UNUSABLE', exit: 'usage', context: { detail: 'AWS_CA_BUNDLE' } });
  });
});
