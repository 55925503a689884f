import { createVerify, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { GcsInfo } from '../../../../src/storage/gcs/info.js';
import { openGcsStorage } from '../../../../src/storage/gcs/index.js';
import { AUTHORITY, LOCALHOST_CERTIFICATE, OTHER_NAME_CERTIFICATE, SERVER_KEY } from '../../../servers/certificates.js';
import { failure } from '../../../harness/failure.js';
import { type GcsServer, startGcsServer } from '../../../servers/gcs-server.js';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.js';
import { ScratchDirectory } from '../../../harness/scratch.js';
import { gcsEntry } from '../../../harness/store-entries.js';

const BUCKET = 'test-bucket';
const TOKEN = 'ya29.a-token-of-the-test';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const KEY = {
  type: 'service_account',
  project_id: 'test',
  private_key_id: 'some-id',
  private_key: PEM,
  client_email: 'lake@test.iam.gserviceaccount.com',
} as const;

let scratch: ScratchDirectory;

beforeEach(() => {
  scratch = new ScratchDirectory();
});

afterEach(() => scratch.remove());

async function prepare(info: Partial<GcsInfo>): Promise<void> {
  const storage = await openGcsStorage(gcsEntry({ maxRetries: 1, ...info }));
  try {
    await storage.prepare();
  } finally {
    await storage.close();
  }
}

function file(content: string): string {
  const name = path.join(scratch.path, 'key.json');
  writeFileSync(name, content);
  return name;
}

describe('a key file', () => {
  const problems: [string, string, string][] = [
    ['that is not JSON', 'ya29.secret-content', 'is not JSON'],
    ['of something else', '{"secret": "secret-content"}', 'it has no "type"'],
    ['of a login', '{"type": "authorized_user", "refresh_token": "secret-content"}', 'of type "authorized_user"'],
    ['with a secret for a type', '{"type": "secret-content!"}', 'of type "…"'],
    ['without its key', JSON.stringify({ ...KEY, private_key: undefined }), 'private_key missing'],
    ['with a broken key', JSON.stringify({ ...KEY, private_key: 'secret-content' }), 'is not a PEM key'],
  ];

  it.each(problems)('%s is refused, and nothing of it is shown', async (_what, content, says) => {
    const error = await failure(prepare({ credentials: { kind: 'file', path: file(content) } }));
    expect(error).toMatchObject({ code: 'GCS_KEY_FILE_INVALID', exit: 'usage' });
    expect(error.message).toContain(says);
    expect(error.hint).toBeDefined();
    expect(JSON.stringify(error.toData())).not.toContain('secret-content');
  });

  it('that does not exist is named', async () => {
    const missing = path.join(scratch.path, 'none.json');
    const error = await failure(prepare({ credentials: { kind: 'file', path: missing } }));
    expect(error).toMatchObject({ code: 'GCS_KEY_FILE_NOT_FOUND', exit: 'usage', context: { path: missing } });
  });
});

describe('an endpoint', () => {
  it('in plain http is refused before anything is sent, but on this machine', async () => {
    const error = await failure(prepare({ endpointUrl: 'http://storage.example.com' }));
    expect(error).toMatchObject({ code: 'STORAGE_PLAIN_HTTP', exit: 'usage' });
    expect(error.hint).toContain('allow_http');
  });

  it('that is no address is refused', async () => {
    expect(await failure(prepare({ endpointUrl: 'storage.example.com' }))).toMatchObject({
      code: 'STORAGE_ENDPOINT_INVALID',
      exit: 'usage',
    });
  });

  it('where nobody listens is told when the time to connect is over', async () => {
    const start = performance.now();
    const error = await failure(prepare({ endpointUrl: 'http://127.0.0.1:1', maxRetries: 5, connectTimeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'GCS_CONNECTION_REFUSED', exit: 'unreachable', transient: true });
    expect(error.message).toContain('127.0.0.1:1');
    // Five retries would take 3.9 s at least.
    expect(performance.now() - start).toBeLessThan(3_800);
  });

  it('of an unknown host is told', async () => {
    const error = await failure(prepare({ endpointUrl: 'https://no-such-host.invalid' }));
    expect(['GCS_UNKNOWN_HOST', 'GCS_HOST_NOT_RESOLVED']).toContain(error.code);
  });

  it.each([200, 403, 404])('that answers HTML with HTTP %d is not Cloud Storage', async (status) => {
    const site = http.createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html><body>Login</body></html>');
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const { port } = site.address() as AddressInfo;
    const error = await failure(prepare({ endpointUrl: `http://127.0.0.1:${port}` }));
    expect(error).toMatchObject({ code: 'GCS_NOT_THE_SERVICE', exit: 'unreachable', transient: false });
    expect(error.message).toContain(`HTTP ${status}`);
    site.close();
  });
});

describe('a bucket', () => {
  it('that does not exist is named', async () => {
    const server = await startGcsServer({ buckets: ['other'] });
    const error = await failure(prepare({ endpointUrl: server.endpoint }));
    expect(error).toMatchObject({ code: 'GCS_NO_SUCH_BUCKET', exit: 'unreachable', transient: false });
    expect(error.message).toContain(BUCKET);
    await server.stop();
  });

  it('that wants credentials where the entry has none is told so', async () => {
    const server = await startGcsServer({ buckets: [BUCKET], token: TOKEN });
    const error = await failure(prepare({ endpointUrl: server.endpoint }));
    expect(error).toMatchObject({ code: 'GCS_CREDENTIALS_REFUSED', exit: 'unreachable' });
    expect(error.message).toContain('has none');
    await server.stop();
  });
});

describe('certificates', () => {
  let server: GcsServer;
  let authority: string;

  beforeEach(async () => {
    server = await startGcsServer({ buckets: [BUCKET], tls: { key: SERVER_KEY, cert: LOCALHOST_CERTIFICATE } });
    authority = path.join(scratch.path, 'authority.pem');
    writeFileSync(authority, AUTHORITY);
  });

  afterEach(() => server.stop());

  it('that nobody here trusts are refused, and say what helps', async () => {
    const error = await failure(prepare({ endpointUrl: server.endpoint }));
    expect(error).toMatchObject({ code: 'TLS_CERTIFICATE_NOT_TRUSTED', exit: 'unreachable', transient: false });
    expect(error.hint).toContain('ca_certificate');
  });

  it('are trusted by their authority', async () => {
    await prepare({ endpointUrl: server.endpoint, caCertificate: authority });
  });

  it('are not looked at where that is wanted', async () => {
    await prepare({ endpointUrl: server.endpoint, allowInvalidCertificates: true });
  });

  it('of another host are refused', async () => {
    const other = await startGcsServer({ buckets: [BUCKET], tls: { key: SERVER_KEY, cert: OTHER_NAME_CERTIFICATE } });
    const error = await failure(prepare({ endpointUrl: other.endpoint, caCertificate: authority }));
    expect(error).toMatchObject({ code: 'TLS_CERTIFICATE_OF_OTHER_HOST' });
    await other.stop();
  });

  it('are missed where the endpoint speaks plain http', async () => {
    const plain = await startGcsServer({ buckets: [BUCKET] });
    const error = await failure(prepare({ endpointUrl: plain.endpoint.replace('http:', 'https:') }));
    expect(error).toMatchObject({ code: 'TLS_NOT_SPOKEN' });
    await plain.stop();
  });

  it('whose file is missing are named', async () => {
    const error = await failure(prepare({ endpointUrl: server.endpoint, caCertificate: '/no/such/file.pem' }));
    expect(error).toMatchObject({ code: 'STORAGE_CA_UNREADABLE', exit: 'usage' });
  });
});

describe('a service account', () => {
  let google: GcsServer;
  let proxy: HttpProxy;
  let proxyUrl: string;
  /** What all hosts of Google lead to. Its certificate is for another name. */
  const detour = { allowInvalidCertificates: true };

  beforeAll(async () => {
    google = await startGcsServer({
      buckets: [BUCKET],
      token: TOKEN,
      tls: { key: SERVER_KEY, cert: LOCALHOST_CERTIFICATE },
      grantToken: (assertion) => (isSigned(assertion) ? TOKEN : undefined),
    });
    proxy = await startHttpProxy(google);
    proxyUrl = `http://user:proxy-secret@127.0.0.1:${proxy.port}`;
  });

  afterAll(async () => {
    await proxy.stop();
    await google.stop();
  });

  it.each([
    ['a key file', (): Partial<GcsInfo> => ({ credentials: { kind: 'file', path: file(JSON.stringify(KEY)) } })],
    ['a key in the entry', (): Partial<GcsInfo> => ({ credentials: { kind: 'key', key: KEY } })],
  ])('is let in with %s, through the proxy', async (_what, info) => {
    const before = proxy.hosts.length;
    await prepare({ ...info(), ...detour, proxyUrl });
    expect(new Set(proxy.hosts.slice(before))).toEqual(
      new Set(['www.googleapis.com:443', 'storage.googleapis.com:443']),
    );
  });

  it('is let in at an endpoint of its own, which excludes itself from the proxy', async () => {
    const before = proxy.hosts.length;
    const key = { credentials: { kind: 'key', key: KEY } } as const;
    await prepare({
      ...key,
      ...detour,
      endpointUrl: google.endpoint,
      proxyUrl,
      proxyExcludes: ['127.0.0.0/8'],
    });
    expect(new Set(proxy.hosts.slice(before))).toEqual(new Set(['www.googleapis.com:443']));
  });

  it('whose key is not the right one is refused, and the key is not shown', async () => {
    const { privateKey: other } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = other.export({ type: 'pkcs8', format: 'pem' }).toString();
    const key = { ...KEY, private_key: pem };
    const error = await failure(prepare({ credentials: { kind: 'key', key }, ...detour, proxyUrl }));
    expect(error).toMatchObject({ code: 'GCS_CREDENTIALS_REFUSED', exit: 'unreachable', transient: false });
    expect(error.message).toContain(KEY.client_email);
    const shown = JSON.stringify(error.toData()) + String((error.cause as Error).stack);
    expect(shown).not.toContain(pem.split('\n')[3]);
    expect(shown).not.toContain('proxy-secret');
  });

  it('behind a proxy that wants other credentials is told so', async () => {
    const refusing = http.createServer();
    refusing.on('connect', (_request, socket) => {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const { port } = refusing.address() as AddressInfo;
    const error = await failure(
      prepare({ endpointUrl: google.endpoint, ...detour, proxyUrl: `http://user:proxy-secret@127.0.0.1:${port}` }),
    );
    expect(error).toMatchObject({ code: 'PROXY_LOGIN_NEEDED', exit: 'unreachable', transient: false });
    expect(JSON.stringify(error.toData())).not.toContain('proxy-secret');
    refusing.close();
  });

  it.each([
    ['fast', -20],
    ['slow', 20],
  ])('on a machine whose clock is %s is told to set it', async (which, minutes) => {
    const tls = { key: SERVER_KEY, cert: LOCALHOST_CERTIFICATE };
    const elsewhen = await startGcsServer({ tls, clockOffsetMs: minutes * 60_000 });
    const detourElsewhere = await startHttpProxy(elsewhen);
    const key = { credentials: { kind: 'key', key: KEY } } as const;
    const error = await failure(prepare({ ...key, ...detour, proxyUrl: `http://127.0.0.1:${detourElsewhere.port}` }));
    expect(error).toMatchObject({ code: 'GCS_CLOCK_SKEW', exit: 'unreachable', transient: false });
    expect(error.message).toContain(`20 minutes ${which}`);
    await detourElsewhere.stop();
    await elsewhen.stop();
  });
});

describe('application default credentials', () => {
  beforeEach(() => {
    vi.stubEnv('HOME', scratch.path);
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none');
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('that are nowhere are told to be missing', async () => {
    const error = await failure(prepare({}));
    expect(error).toMatchObject({ code: 'GCS_NO_CREDENTIALS', exit: 'unreachable', transient: false });
    expect(error.hint).toContain('GOOGLE_APPLICATION_CREDENTIALS');
  });

  it('are not sent to a foreign endpoint', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file(JSON.stringify(KEY)));
    const server = await startGcsServer({ buckets: [BUCKET] });
    await prepare({ endpointUrl: server.endpoint });
    await server.stop();
  });

  it('are left out for the emulator that STORAGE_EMULATOR_HOST names', async () => {
    const server = await startGcsServer({ buckets: [BUCKET] });
    vi.stubEnv('STORAGE_EMULATOR_HOST', `127.0.0.1:${server.port}`);
    await prepare({});
    expect(server.requests.length).toBeGreaterThan(0);
    await server.stop();
  });
});

function isSigned(assertion: string): boolean {
  const [header = '', claims = '', signature = ''] = assertion.split('.');
  return createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url');
}
