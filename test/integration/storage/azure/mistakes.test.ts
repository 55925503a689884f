import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { AzureCredentials, AzureInfo } from '../../../../src/storage/azure/info.js';
import { openAzureStorage } from '../../../../src/storage/azure/index.js';
import { type Azurite, startAzurite } from '../../../servers/azurite.js';
import { azuriteToken, type LoginServer, startLoginServer } from '../../../servers/azurite-login.js';
import { AUTHORITY, LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../../servers/certificates.js';
import { failure } from '../../../harness/failure.js';
import { type FaultProxy, startFaultProxy } from '../../../servers/fault-proxy.js';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.js';
import { ScratchDirectory } from '../../../harness/scratch.js';
import { azureEntry } from '../../../harness/store-entries.js';

const CONTAINER = 'test-container';
const MINUTE = 60_000;
const FOREIGN_KEY = randomBytes(64).toString('base64');

let azurite: Azurite;
let scratch: ScratchDirectory;

beforeAll(async () => {
  azurite = await startAzurite();
  scratch = new ScratchDirectory();
  await BlobServiceClient.fromConnectionString(azurite.connectionString).createContainer(CONTAINER);
});

afterAll(async () => {
  await azurite.stop();
  scratch.remove();
});

function entry(info: Partial<AzureInfo> = {}) {
  const credentials: AzureCredentials = { kind: 'account-key', accountKey: azurite.key };
  const { endpoint: endpointUrl, account: accountName } = azurite;
  return azureEntry({ endpointUrl, accountName, container: CONTAINER, credentials, maxRetries: 1, ...info });
}

async function prepare(info: Partial<AzureInfo> = {}): Promise<void> {
  const storage = await openAzureStorage(entry(info));
  try {
    await storage.prepare();
    expect(await storage.list('')).toEqual([]);
  } finally {
    await storage.close();
  }
}

/** What a failed preparation says, after seeing that no secret is in it. */
async function mistake(info: Partial<AzureInfo>, secret?: string) {
  const error = await failure(prepare(info));
  const shown = JSON.stringify(error.toData()) + String((error.cause as Error | undefined)?.stack);
  for (const one of [secret, azurite.key, FOREIGN_KEY]) if (one !== undefined) expect(shown).not.toContain(one);
  return error;
}

function sas(permissions: string, options: { from?: number; until?: number; httpsOnly?: boolean } = {}): string {
  const { from, until = 10 * MINUTE, httpsOnly } = options;
  return generateBlobSASQueryParameters(
    {
      containerName: CONTAINER,
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + until),
      ...(from === undefined ? {} : { startsOn: new Date(Date.now() + from) }),
      ...(httpsOnly === true ? { protocol: SASProtocol.Https } : {}),
    },
    new StorageSharedKeyCredential(azurite.account, azurite.key),
  ).toString();
}

function signatureOf(token: string): string {
  return new URLSearchParams(token).get('sig') ?? '';
}

describe('credentials', () => {
  it('that are right are let in', async () => {
    await prepare();
    await prepare({ credentials: { kind: 'sas', sasToken: sas('rcwdl') } });
  });

  it('with another key are refused', async () => {
    const error = await mistake({ credentials: { kind: 'account-key', accountKey: FOREIGN_KEY } });
    expect(error).toMatchObject({ code: 'AZURE_CREDENTIALS_REFUSED', exit: 'unreachable', transient: false });
    expect(error.message).toContain('account key');
  });

  it.each([
    ['has expired', { until: -5 * MINUTE }, 'AZURE_SAS_EXPIRED'],
    ['is not valid yet', { from: 5 * MINUTE }, 'AZURE_SAS_NOT_YET_VALID'],
  ])('of a signature that %s are told so', async (_what, times, code) => {
    const sasToken = sas('rcwdl', times);
    const error = await mistake({ credentials: { kind: 'sas', sasToken } }, signatureOf(sasToken));
    expect(error).toMatchObject({ code, exit: 'unreachable', transient: false });
    expect(error.hint).toContain('sas_token');
  });

  it('of a signature that was cut are refused', async () => {
    const sasToken = sas('rcwdl').replace(/sig=[^&]+/, 'sig=c2lnbmF0dXJlLXRoYXQtaXMtd3Jvbmc%3D');
    const error = await mistake({ credentials: { kind: 'sas', sasToken } }, 'c2lnbmF0dXJl');
    expect(error).toMatchObject({ code: 'AZURE_CREDENTIALS_REFUSED' });
  });

  it.each([
    ['write', 'rdl', '"cw"'],
    ['delete', 'rcwl', '"d"'],
    ['list', 'rcwd', '"l"'],
  ])('of a signature that does not let %s are told which permission is missing', async (verb, letters, lacking) => {
    const sasToken = sas(letters);
    const error = await mistake({ credentials: { kind: 'sas', sasToken } }, signatureOf(sasToken));
    expect(error).toMatchObject({ code: 'AZURE_ACCESS_DENIED', exit: 'unreachable', transient: false });
    expect(error.message).toContain(`may not ${verb}`);
    expect(error.message).toContain(lacking);
  });

  it.each([
    'DefaultEndpointsProtocol=https;AccountName=lake',
    'DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=;EndpointSuffix=core.windows.net',
    'some-secret-that-is-none',
  ])('in a connection string that is none are refused', async (connectionString) => {
    const error = await mistake({ credentials: { kind: 'connection-string', connectionString } }, 'some-secret');
    expect(error).toMatchObject({ code: 'AZURE_CONNECTION_STRING_INVALID', exit: 'usage' });
  });

  it('in a connection string with a key of somebody else are refused, and not shown', async () => {
    const connectionString = azurite.connectionString.replace(azurite.key, FOREIGN_KEY);
    const error = await mistake({ credentials: { kind: 'connection-string', connectionString } });
    expect(error).toMatchObject({ code: 'AZURE_CREDENTIALS_REFUSED' });
  });

  it('without an account, or with a key that is none, are incomplete', async () => {
    expect(await mistake({ accountName: undefined, endpointUrl: undefined })).toMatchObject({
      code: 'AZURE_NO_ACCOUNT',
    });
    const credentials = { kind: 'account-key', accountKey: '!!!' } as const;
    expect(await mistake({ credentials })).toMatchObject({ code: 'AZURE_KEY_INCOMPLETE', exit: 'usage' });
  });

  it('that are tokens are not sent over plain http', async () => {
    const error = await mistake({ credentials: { kind: 'token', token: 'secret-token' } }, 'secret-token');
    expect(error).toMatchObject({ code: 'AZURE_TOKEN_NEEDS_HTTPS', exit: 'usage' });
  });
});

describe('an address', () => {
  it('in plain http is refused before anything is sent, but on this machine', async () => {
    expect(await mistake({ endpointUrl: 'http://lake.blob.example.com' })).toMatchObject({
      code: 'STORAGE_PLAIN_HTTP',
    });
    const connectionString = azurite.connectionString.replace(/127\.0\.0\.1/, 'lake.example.com');
    expect(await mistake({ credentials: { kind: 'connection-string', connectionString } })).toMatchObject({
      code: 'STORAGE_PLAIN_HTTP',
      exit: 'usage',
    });
  });

  it('where nobody listens is told when the time to connect is over', async () => {
    const start = performance.now();
    const error = await mistake({ endpointUrl: 'http://127.0.0.1:1', maxRetries: 5, connectTimeoutMs: 300 });
    expect(error).toMatchObject({ code: 'AZURE_CONNECTION_REFUSED', exit: 'unreachable', transient: true });
    // Five retries would take 3.9 s at least.
    expect(performance.now() - start).toBeLessThan(3_800);
  });

  it('of an account that does not exist is told', async () => {
    const error = await mistake({ endpointUrl: 'https://no-such-account.blob.core.windows.invalid' });
    expect(['AZURE_UNKNOWN_HOST', 'AZURE_HOST_NOT_RESOLVED']).toContain(error.code);
  });

  it.each([200, 201, 403, 404])('that answers HTML with HTTP %d is not Azure', async (status) => {
    const site = http.createServer((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html><body>Login</body></html>');
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const { port } = site.address() as AddressInfo;
    const error = await mistake({ endpointUrl: `http://127.0.0.1:${port}` });
    expect(error).toMatchObject({ code: 'AZURE_NOT_THE_SERVICE', exit: 'unreachable', transient: false });
    site.closeAllConnections();
    site.close();
  });

  it('of a container that does not exist is told', async () => {
    const error = await mistake({ container: 'no-such-container' });
    expect(error).toMatchObject({ code: 'AZURE_NO_SUCH_CONTAINER', exit: 'unreachable', transient: false });
    expect(error.message).toContain('no-such-container');
  });
});

describe('a clock', () => {
  let proxy: FaultProxy;

  beforeEach(async () => {
    proxy = await startFaultProxy(azurite);
  });

  afterEach(() => proxy.stop());

  it.each([
    ['fast', -30],
    ['slow', 30],
  ])('that is %s is blamed for what the service does not accept', async (which, minutes) => {
    const date = new Date(Date.now() + minutes * MINUTE).toUTCString();
    const headers = { date, 'x-ms-request-id': 'fault', 'x-ms-error-code': 'AuthenticationFailed' };
    proxy.breakBy(() => ({ kind: 'answer', status: 403, headers }));
    const error = await mistake({ endpointUrl: proxy.endpoint });
    expect(error).toMatchObject({ code: 'AZURE_CLOCK_SKEW', exit: 'unreachable', transient: false });
    expect(error.message).toContain(`30 minutes ${which}`);
  });
});

describe('TLS and tokens', () => {
  let secure: Azurite;
  let login: LoginServer;
  let proxy: HttpProxy;
  let caCertificate: string;
  let info: Partial<AzureInfo>;
  const principal = {
    kind: 'service-principal',
    tenantId: 'ab1f708d-50f6-404c-a006-d71b2ac7a606',
    clientId: 'client',
  } as const;

  beforeAll(async () => {
    const [cert, key] = [path.join(scratch.path, 'cert.pem'), path.join(scratch.path, 'key.pem')];
    caCertificate = path.join(scratch.path, 'authority.pem');
    writeFileSync(cert, LOCALHOST_CERTIFICATE);
    writeFileSync(key, SERVER_KEY);
    writeFileSync(caCertificate, AUTHORITY);
    secure = await startAzurite({ args: ['--cert', cert, '--key', key, '--oauth', 'basic'] });
    login = await startLoginServer({ clientSecret: 'the-right-secret', token: azuriteToken() });
    proxy = await startHttpProxy(login);
    info = { endpointUrl: secure.endpoint.replace('http:', 'https:') };
    const trusted = entry({ ...info, caCertificate });
    const storage = await openAzureStorage(trusted);
    // The container that the tests need, by the key that Azurite takes over TLS as well.
    const credential = new StorageSharedKeyCredential(secure.account, secure.key);
    const service = new BlobServiceClient(`${info.endpointUrl ?? ''}/${secure.account}`, credential, {
      // Options reach the pipeline as they are.
      ...({ tlsOptions: { ca: AUTHORITY } } as object),
    });
    await service.createContainer(CONTAINER);
    await storage.close();
  });

  afterAll(async () => {
    await proxy.stop();
    await login.stop();
    await secure.stop();
  });

  it('refuses a certificate that nobody here trusts, and says what helps', async () => {
    const error = await mistake(info);
    expect(error).toMatchObject({ code: 'TLS_CERTIFICATE_NOT_TRUSTED', exit: 'unreachable', transient: false });
    expect(error.hint).toContain('ca_certificate');
  });

  it('trusts it by its authority, or where that is wanted', async () => {
    await prepare({ ...info, caCertificate });
    await prepare({ ...info, allowInvalidCertificates: true });
  });

  it('lets a bearer token in, for copies too', async () => {
    const credentials = { kind: 'token', token: azuriteToken() } as const;
    await prepare({ ...info, caCertificate, credentials });
    const storage = await openAzureStorage(entry({ ...info, caCertificate, credentials }));
    const writer = await storage.stage('t/part-00000.parquet', { runId: 'run', provisional: true });
    await writer.write([Buffer.from('content')]);
    await storage.publish(await writer.end(), 't/part-00000.parquet');
    expect(await storage.get('t/part-00000.parquet')).toEqual(Buffer.from('content'));
    await storage.remove(['t/part-00000.parquet']);
    await storage.close();
  });

  it('tells that a token has expired', async () => {
    const token = azuriteToken({ expiresInSeconds: -3600 });
    const error = await mistake({ ...info, caCertificate, credentials: { kind: 'token', token } }, token);
    expect(error).toMatchObject({ code: 'AZURE_CREDENTIALS_EXPIRED', transient: false });
    expect(error.message).toContain('have expired');
  });

  describe('of a managed identity at an endpoint of its own', () => {
    const asked: URL[] = [];
    let endpoint: http.Server;
    let identity: AzureCredentials;
    let status: number;

    beforeEach(async () => {
      asked.length = 0;
      status = 200;
      endpoint = http.createServer((request, response) => {
        asked.push(new URL(request.url ?? '/', 'http://identity'));
        const token = { access_token: azuriteToken(), expires_on: String(Math.floor(Date.now() / 1000) + 3600) };
        response.writeHead(request.headers['metadata'] === 'true' ? status : 400).end(JSON.stringify(token));
      });
      await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
      const { port } = endpoint.address() as AddressInfo;
      const ids = { clientId: 'client', objectId: undefined, resourceId: undefined };
      identity = { kind: 'managed-identity', ...ids, endpoint: `http://127.0.0.1:${port}/token` };
    });

    afterEach(() => {
      endpoint.closeAllConnections();
      endpoint.close();
    });

    it('come from there, once for many requests', async () => {
      await prepare({ ...info, caCertificate, credentials: identity });
      expect(asked).toHaveLength(1);
      expect(asked[0]?.searchParams.get('resource')).toBe('https://storage.azure.com');
      expect(asked[0]?.searchParams.get('client_id')).toBe('client');
    });

    it('that it does not give are told to be missing', async () => {
      status = 404;
      const error = await mistake({ ...info, caCertificate, credentials: identity });
      expect(error).toMatchObject({ code: 'AZURE_NO_CREDENTIALS', exit: 'unreachable', transient: false });
    });
  });

  const throughProxy = () => ({
    ...info,
    allowInvalidCertificates: true,
    proxyUrl: `http://127.0.0.1:${proxy.port}`,
    proxyExcludes: ['127.0.0.1'],
  });

  it('gets tokens for a service principal, through the proxy', async () => {
    const credentials = { ...principal, clientSecret: 'the-right-secret' };
    await prepare({ ...throughProxy(), credentials });
    expect(new Set(proxy.hosts)).toEqual(new Set(['login.microsoftonline.com:443']));
    expect(login.requests.some((request) => request.endsWith('/oauth2/v2.0/token'))).toBe(true);
  });

  it('tells that the secret of a service principal is wrong', async () => {
    const credentials = { ...principal, clientSecret: 'the-wrong-secret' };
    const error = await mistake({ ...throughProxy(), credentials }, 'the-wrong-secret');
    expect(error).toMatchObject({ code: 'AZURE_CREDENTIALS_REFUSED', exit: 'unreachable', transient: false });
    expect(error.message).toContain('service principal');
  });
});
