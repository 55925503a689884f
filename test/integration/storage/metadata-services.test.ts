import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { openStorage } from '../../../src/stores.js';
import { loadCredential } from '../../../src/storage/azure/credentials.js';
import { Agents } from '../../../src/storage/http/agents.js';
import { LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { startGcsServer } from '../../servers/gcs-server.js';
import { startHttpProxy } from '../../servers/http-proxy.js';
import { s3Entry } from '../../harness/s3-entry.js';
import { startS3Server } from '../../servers/s3-server/index.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { azureEntry, gcsEntry } from '../../harness/store-entries.js';

/** More than the one second that the clients of all three clouds give by themselves. */
const SLOW_MS = 1_300;

const BUCKET = 'test-bucket';
const home = new ScratchDirectory();
const servers: http.Server[] = [];

/** The service that tells a machine in the cloud its credentials, under load. */
async function slowService(answer: (path: string) => { headers?: Record<string, string>; body: string }) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const { headers = {}, body } = answer(path);
    setTimeout(() => response.writeHead(200, headers).end(body), SLOW_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

beforeAll(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(?:AWS|AZURE|GOOGLE|GCE|GCLOUD|IDENTITY|MSI)_|^(?:https?|all|no)_proxy$/i.test(name))
      vi.stubEnv(name, undefined);
  }
  vi.stubEnv('HOME', home.path);
});
afterAll(() => {
  vi.unstubAllEnvs();
  for (const server of servers) server.close();
  home.remove();
});

describe.concurrent('a metadata service that takes more than a second for each answer', () => {
  it('gives the keys of a role to S3', { timeout: 60_000 }, async () => {
    const service = await slowService((path) => {
      if (path.endsWith('/token'))
        return { headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '600' }, body: 'session' };
      if (!path.includes('/security-credentials/') || path.endsWith('/')) return { body: 'the-role' };
      const Expiration = new Date(inAnHour() * 1000).toISOString();
      const keys = { AccessKeyId: 'AKIATEST', SecretAccessKey: 'test-secret-key', Token: 'from-the-machine' };
      return { body: JSON.stringify({ Code: 'Success', ...keys, Expiration }) };
    });
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', `http://${service.host}`);
    const store = await startS3Server({ bucket: BUCKET, sessionToken: 'from-the-machine' });
    const entry = s3Entry({ bucket: BUCKET, endpointUrl: store.endpoint, credentials: { kind: 'default' } });
    const storage = await openStorage({ kind: 'entry', entry });
    await storage.put('a', Buffer.from('x'));
    expect(service.asked.length).toBeGreaterThanOrEqual(2);
    await storage.close();
    await store.stop();
  });

  it('gives a token to Cloud Storage', { timeout: 60_000 }, async () => {
    const service = await slowService((path) => ({
      headers: { 'metadata-flavor': 'Google', 'content-type': 'application/json' },
      body: path.includes('/token')
        ? JSON.stringify({ access_token: 'from-the-machine', expires_in: 3600, token_type: 'Bearer' })
        : '"x"',
    }));
    vi.stubEnv('GCE_METADATA_HOST', service.host);
    const tls = { key: SERVER_KEY, cert: LOCALHOST_CERTIFICATE };
    const store = await startGcsServer({ buckets: [BUCKET], tls, token: 'from-the-machine' });
    // A way from Google's address to the server of the test.
    const proxy = await startHttpProxy(store);
    const network = { proxyUrl: `http://127.0.0.1:${proxy.port}`, proxyExcludes: ['127.0.0.1'] };
    const entry = gcsEntry({ ...network, allowInvalidCertificates: true });
    const storage = await openStorage({ kind: 'entry', entry });
    await storage.put('a', Buffer.from('x'));
    expect(service.asked.some((path) => path.includes('/token'))).toBe(true);
    await storage.close();
    await proxy.stop();
    await store.stop();
  });

  it('gives a token to Azure', { timeout: 60_000 }, async () => {
    const service = await slowService(() => ({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        access_token: 'from-the-machine',
        expires_on: String(inAnHour()),
        expires_in: '3600',
        resource: 'https://storage.azure.com/',
        token_type: 'Bearer',
      }),
    }));
    vi.stubEnv('AZURE_POD_IDENTITY_AUTHORITY_HOST', `http://${service.host}`);
    const entry = azureEntry({ accountName: 'lake', credentials: { kind: 'default' } });
    const agents = await Agents.create({ entry: 'lake', settings: entry.info });
    const credential = await loadCredential(entry, { kind: 'default' }, agents);
    if (credential.kind !== 'token') throw new TypeError('a token was expected');
    const token = await credential.credential.getToken('https://storage.azure.com/.default');
    expect(token?.token).toBe('from-the-machine');
    agents.destroy();
  });
});
