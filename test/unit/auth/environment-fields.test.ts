import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { readAuthFile } from '../../../src/auth-file.js';
import { Redactor } from '../../../src/auth/redaction.js';

type Info = Readonly<Record<string, unknown>>;

const GOOGLE_KEY = { type: 'service_account', client_email: 'a@b', private_key: 'marker-PRIVATE-KEY' };

async function info(type: string, fields: Info, environment: NodeJS.ProcessEnv, redactor = new Redactor()) {
  const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-auth-'));
  const file = path.join(directory, 'auth.json');
  writeFileSync(file, JSON.stringify({ lake: { storage_type: type, info: fields } }), { mode: 0o600 });
  try {
    return (await readAuthFile(file, { environment, redactor })).storage('lake').info;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('what an entry leaves out comes from the environment', () => {
  it.each<[string, Info, NodeJS.ProcessEnv, Info]>([
    ['s3', {}, { TIMEOUT: '60s', CONNECT_TIMEOUT: '1s' }, { timeoutMs: 60_000, connectTimeoutMs: 1_000 }],
    [
      's3',
      {},
      { ALLOW_HTTP: 'true', AWS_ENDPOINT: 'http://minio:9000' },
      { endpointUrl: 'http://minio:9000', forcePathStyle: true, requestChecksum: 'when_required' },
    ],
    ['s3', {}, { AWS_ENDPOINT_URL: 'https://a', AWS_ENDPOINT: 'https://b' }, { endpointUrl: 'https://a' }],
    [
      's3',
      {},
      { AWS_ENDPOINT: 'https://a', AWS_VIRTUAL_HOSTED_STYLE_REQUEST: 'true' },
      { endpointUrl: 'https://a', forcePathStyle: false },
    ],
    [
      's3',
      {},
      { AWS_SERVER_SIDE_ENCRYPTION: 'aws:kms', AWS_SSE_KMS_KEY_ID: 'k', AWS_SSE_BUCKET_KEY_ENABLED: 'true' },
      { serverSideEncryption: 'aws:kms', sseKmsKeyId: 'k', sseBucketKeyEnabled: true },
    ],
    [
      's3',
      {},
      { PROXY_URL: 'http://proxy:3128', PROXY_EXCLUDES: 'example.com, 192.168.1.0/24', USER_AGENT: 'etl' },
      { proxyUrl: 'http://proxy:3128', proxyExcludes: ['example.com', '192.168.1.0/24'], userAgent: 'etl' },
    ],
    ['gcs', {}, { GOOGLE_SERVICE_ACCOUNT: 'k.json' }, { credentials: { kind: 'file', path: 'k.json' } }],
    [
      'gcs',
      {},
      { GOOGLE_SERVICE_ACCOUNT_KEY: JSON.stringify(GOOGLE_KEY) },
      { credentials: { kind: 'key', key: GOOGLE_KEY } },
    ],
    [
      'azure',
      {},
      { AZURE_STORAGE_ACCOUNT_NAME: 'acc', AZURE_STORAGE_ACCOUNT_KEY: 'QUJD' },
      { accountName: 'acc', credentials: { kind: 'account-key', accountKey: 'QUJD' } },
    ],
    [
      'azure',
      { account_name: 'acc' },
      { AZURE_STORAGE_SAS_KEY: '?sv=1' },
      { accountName: 'acc', credentials: { kind: 'sas', sasToken: 'sv=1' } },
    ],
    ['azure', {}, { AZURE_STORAGE_USE_EMULATOR: 'true' }, { useEmulator: true }],
  ])('%s %j with %j', async (type, fields, environment, expected) => {
    const place = type === 'azure' ? { container: 'c' } : { bucket: 'b' };
    expect(await info(type, { ...place, ...fields }, environment)).toMatchObject(expected);
  });
});

describe('the environment is not asked', () => {
  const azure = { AZURE_STORAGE_ACCOUNT_NAME: 'acc', AZURE_STORAGE_ACCOUNT_KEY: 'QUJD' };

  it.each<[string, string, Info, NodeJS.ProcessEnv, Info]>([
    ['for what the entry says', 's3', { bucket: 'b', timeout: '5s' }, { TIMEOUT: '60s' }, { timeoutMs: 5_000 }],
    [
      'for an endpoint beside another one',
      's3',
      { bucket: 'b', endpoint_url: 'https://mine' },
      { AWS_ENDPOINT_URL: 'https://other' },
      { endpointUrl: 'https://mine' },
    ],
    [
      'for a key of Google where the entry names another endpoint',
      'gcs',
      { bucket: 'b', endpoint_url: 'http://localhost:4443' },
      { GOOGLE_SERVICE_ACCOUNT: 'k.json' },
      { credentials: { kind: 'default' } },
    ],
    [
      'for the key of another account',
      'azure',
      { container: 'c', account_name: 'mine' },
      azure,
      { accountName: 'mine', credentials: { kind: 'default' } },
    ],
    [
      'for a key beside other credentials',
      'azure',
      { container: 'c', account_name: 'acc', sas_token: 'sv=1' },
      azure,
      { credentials: { kind: 'sas', sasToken: 'sv=1' } },
    ],
    [
      'for a proxy of a directory on disk',
      'local',
      { directory: '/data' },
      { PROXY_URL: 'nonsense', TIMEOUT: 'nonsense' },
      { proxyUrl: undefined, timeoutMs: 30_000 },
    ],
    ['where a variable is empty', 's3', { bucket: 'b' }, { TIMEOUT: '', AWS_ENDPOINT: '' }, { endpointUrl: undefined }],
  ])('%s', async (_what, type, fields, environment, expected) => {
    expect(await info(type, fields, environment)).toMatchObject(expected);
  });
});

describe('a variable', () => {
  it('that is wrong is named', async () => {
    await expect(info('s3', { bucket: 'b' }, { TIMEOUT: 'soon' })).rejects.toThrow(/lake: `TIMEOUT`/);
    await expect(info('s3', { bucket: 'b' }, { AWS_ENDPOINT: 'http://elsewhere' })).rejects.toThrow(
      /`AWS_ENDPOINT` is plain http.*allow_http/,
    );
  });

  it('with a secret is never shown', async () => {
    const redactor = new Redactor();
    const environment = { GOOGLE_SERVICE_ACCOUNT_KEY: JSON.stringify(GOOGLE_KEY) };
    await info('gcs', { bucket: 'b' }, environment, redactor);
    expect(redactor.redact('it is marker-PRIVATE-KEY')).toBe('it is ***');
  });
});
