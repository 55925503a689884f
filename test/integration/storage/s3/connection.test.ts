import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { S3Info } from '../../../../src/storage/s3/info.js';
import { probeStorage } from '../../../../src/storage/probe.js';
import type { Storage } from '../../../../src/storage/storage.js';
import { AUTHORITY, LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../../servers/certificates.js';
import { type HttpProxy, startHttpProxy } from '../../../servers/http-proxy.js';
import { failureOf, MIB, stage, useS3Server } from '../../../harness/s3-harness.js';

const s3 = useS3Server();
const PATH = 't/part-00000.parquet';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'lakeport-s3-'));
  // Nothing of the machine's own configuration may play a part.
  vi.stubEnv('AWS_CONFIG_FILE', path.join(home, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path.join(home, 'credentials'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  const names = ['REGION', 'DEFAULT_REGION', 'PROFILE', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN'];
  for (const name of names) vi.stubEnv(`AWS_${name}`, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

/** Sends one of each kind of request and reads back what was written. */
async function exercise(storage: Storage): Promise<void> {
  const content = randomBytes(6 * MIB);
  await storage.publish(await stage(storage, PATH, content), PATH);
  await storage.put('t/_SUCCESS', Buffer.from('done'));
  expect(Buffer.from((await storage.get('t/_SUCCESS'))!).toString()).toBe('done');
  expect((await storage.list('t')).map((object) => object.bytes)).toEqual([4, content.length]);
  expect(Buffer.compare(s3.server.store.bucket('lake').get(`exports/${PATH}`)!.body, content)).toBe(0);
  await storage.remove([PATH, 't/_SUCCESS']);
}

describe('credentials', () => {
  test('direct keys with a session token', async () => {
    await s3.restart({ sessionToken: 'a-token' });
    const credentials = {
      kind: 'keys',
      accessKeyId: 'AKIATEST',
      secretAccessKey: 'test-secret-key',
      sessionToken: 'a-token',
    } as const;
    await exercise(await s3.open({ credentials }));
  });

  test('a profile, whatever the environment says', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOTHER');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'other');
    const keys = 'aws_access_key_id = AKIATEST\naws_secret_access_key = test-secret-key\n';
    await writeFile(path.join(home, 'credentials'), `[default]\naws_access_key_id = X\n\n[etl]\n${keys}`);
    await exercise(await s3.open({ credentials: { kind: 'profile', profile: 'etl' } }));
  });

  test('a profile with credential_process, and its region', async () => {
    await s3.restart({ region: 'eu-south-2' });
    const answer = { Version: 1, AccessKeyId: 'AKIATEST', SecretAccessKey: 'test-secret-key' };
    await writeFile(path.join(home, 'answer.json'), JSON.stringify(answer));
    const config = `[profile etl]\nregion = eu-south-2\ncredential_process = cat ${path.join(home, 'answer.json')}\n`;
    await writeFile(path.join(home, 'config'), config);
    await exercise(await s3.open({ region: undefined, credentials: { kind: 'profile', profile: 'etl' } }));
    expect(s3.server.log.filter(({ headers }) => !headers.authorization!.includes('/eu-south-2/'))).toEqual([]);
  });

  test('a profile that assumes a role', async () => {
    await s3.restart({ sessionToken: 'role-token' });
    const asked: string[] = [];
    const credentials =
      '<AccessKeyId>AKIATEST</AccessKeyId><SecretAccessKey>test-secret-key</SecretAccessKey>' +
      '<SessionToken>role-token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>';
    const answer = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>${credentials}</Credentials></AssumeRoleResult></AssumeRoleResponse>`;
    const tokens = http.createServer((request, response) => {
      request.on('data', (chunk: Buffer) => asked.push(chunk.toString()));
      request.on('end', () => response.writeHead(200, { 'content-type': 'text/xml' }).end(answer));
    });
    await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('AWS_ENDPOINT_URL_STS', `http://127.0.0.1:${(tokens.address() as { port: number }).port}`);
    await writeFile(path.join(home, 'credentials'), '[base]\naws_access_key_id = A\naws_secret_access_key = B\n');
    const role = 'role_arn = arn:aws:iam::123456789012:role/etl\nsource_profile = base\nregion = us-east-1\n';
    await writeFile(path.join(home, 'config'), `[profile etl]\n${role}`);
    try {
      await exercise(await s3.open({ credentials: { kind: 'profile', profile: 'etl' } }));
      expect(decodeURIComponent(asked[0]!)).toContain('arn:aws:iam::123456789012:role/etl');
      expect(asked).toHaveLength(1);
    } finally {
      tokens.closeAllConnections();
      tokens.close();
    }
  });

  test('a profile whose sign-on has expired', async () => {
    const session = 'sso_session = corp\nsso_account_id = 1\nsso_role_name = etl\nregion = us-east-1\n';
    const corp = 'sso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n';
    await writeFile(path.join(home, 'config'), `[profile etl]\n${session}\n[sso-session corp]\n${corp}`);
    vi.stubEnv('HOME', home);
    const storage = await s3.open({ credentials: { kind: 'profile', profile: 'etl' } });
    const error = await failureOf(storage.prepare());
    expect(error).toMatchObject({ code: 'S3_SSO_LOGIN_NEEDED', hint: 'Run aws sso login --profile etl.' });
  });

  test('the environment, where the entry has none', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test-secret-key');
    await exercise(await s3.open({ credentials: { kind: 'default' } }));
  });

  test('none anywhere', async () => {
    const storage = await s3.open({ credentials: { kind: 'default' } });
    expect(await failureOf(storage.prepare())).toMatchObject({ code: 'S3_NO_CREDENTIALS', exit: 'unreachable' });
  });
});

describe('region', () => {
  test.each([false, true])('is found from the bucket (told in bodies only: %s)', async (noRegionHeader) => {
    await s3.restart({ region: 'eu-west-3', quirks: { noRegionHeader } });
    const storage = await s3.open({ region: undefined });
    await Promise.all([storage.put('a', Buffer.from('x')), storage.put('b', Buffer.from('x'))]);
    const { HeadBucket, PutObject } = s3.server.counts();
    expect({ HeadBucket, PutObject }).toEqual({ HeadBucket: 1, PutObject: 2 });
    await exercise(storage);
  });

  test('of the environment is overruled by the bucket', async () => {
    vi.stubEnv('AWS_REGION', 'ap-south-1');
    await s3.restart({ region: 'eu-west-3' });
    await exercise(await s3.open({ region: undefined }));
  });

  test.each(['AWS_REGION', 'AWS_DEFAULT_REGION'])('of a store that cannot tell it is that of %s', async (variable) => {
    vi.stubEnv(variable, 'gra');
    await s3.restart({ region: 'gra', quirks: { noRegionHeader: true } });
    await exercise(await s3.open({ region: undefined }));
    expect(s3.server.log.every(({ headers }) => headers.authorization?.includes('/gra/s3/'))).toBe(true);
  });

  test('is asked for again after a failure that passes', async () => {
    const storage = await s3.open({ region: undefined, maxRetries: 0 });
    s3.server.refuse(() => {
      throw new Error('down');
    });
    await failureOf(storage.prepare());
    s3.server.refuse(undefined);
    await exercise(storage);
  });
});

describe('addresses', () => {
  let proxy: HttpProxy;
  afterEach(() => proxy.stop());

  test('the bucket in front of the host, by a proxy, with user and password', async () => {
    await s3.restart({ virtualHosts: { domain: 'store.test' } });
    proxy = await startHttpProxy(s3.server);
    const storage = await s3.open({
      endpointUrl: 'http://store.test',
      allowHttp: true,
      forcePathStyle: false,
      proxyUrl: `http://user:pass%40word@127.0.0.1:${proxy.port}`,
    });
    await exercise(storage);
    expect(new Set(proxy.hosts)).toEqual(new Set(['lake.store.test']));
    expect(new Set(proxy.logins)).toEqual(new Set([`Basic ${Buffer.from('user:pass@word').toString('base64')}`]));
  });

  test('a bucket of S3 Express, by the sessions and the rules of those', async () => {
    const bucket = 'lake--use1-az4--x-s3';
    await s3.restart({ bucket, express: true, virtualHosts: { domain: 'store.test' } });
    proxy = await startHttpProxy(s3.server);
    const storage = await s3.open({
      bucket,
      s3Express: true,
      endpointUrl: 'http://store.test',
      allowHttp: true,
      forcePathStyle: false,
      requestChecksum: 'when_supported',
      proxyUrl: `http://127.0.0.1:${proxy.port}`,
    });
    const content = randomBytes(6 * MIB);
    await probeStorage(storage);
    await storage.beginRun({ runId: 'run-1', directory: '' });
    await storage.sweep();
    await storage.publish(await stage(storage, PATH, content), PATH);
    expect(await storage.list('t')).toMatchObject([{ path: PATH, bytes: content.length }]);
    await storage.endRun();
    expect([...s3.server.store.bucket(bucket).keys()]).toEqual([`exports/${PATH}`]);
    expect(new Set(proxy.hosts)).toEqual(new Set([`${bucket}.store.test`]));
    expect(s3.server.counts()['CreateSession']).toBe(1);
  });

  test('a bucket of S3 Express without a region', async () => {
    proxy = await startHttpProxy(s3.server);
    const storage = await s3.open({
      bucket: 'lake--use1-az4--x-s3',
      s3Express: true,
      endpointUrl: undefined,
      region: undefined,
    });
    expect(await failureOf(storage.prepare())).toMatchObject({ code: 'S3_REGION_NEEDED', exit: 'usage' });
    expect(s3.server.log).toEqual([]);
  });
});

describe('proxies', () => {
  test('a proxy that wants a login', async () => {
    const proxy = http.createServer((_request, response) => response.writeHead(407).end());
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as { port: number };
    try {
      const proxyUrl = `http://user:marker-password@127.0.0.1:${port}`;
      const storage = await s3.open({ endpointUrl: 'http://store.test', allowHttp: true, proxyUrl });
      const error = await failureOf(storage.prepare());
      expect(error.code).toBe('PROXY_LOGIN_NEEDED');
      expect(JSON.stringify(error.toData())).not.toContain('marker-password');
    } finally {
      proxy.close();
    }
  });
});

describe('TLS', () => {
  const tls = { cert: LOCALHOST_CERTIFICATE, key: SERVER_KEY };
  let authority: string;

  beforeEach(async () => {
    await s3.restart({ tls });
    authority = path.join(home, 'authority.pem');
    await writeFile(authority, AUTHORITY);
  });

  test('a certificate that nobody here trusts', async () => {
    const error = await failureOf((await s3.open()).prepare());
    expect(error).toMatchObject({ code: 'TLS_CERTIFICATE_NOT_TRUSTED', transient: false });
    expect(error.hint).toContain('"ca_certificate"');
  });

  test('with the certificate of the authority', async () => {
    await exercise(await s3.open({ caCertificate: authority }));
  });

  test('without the check', async () => {
    await exercise(await s3.open({ allowInvalidCertificates: true }));
  });

  test('through a proxy', async () => {
    const proxy = await startHttpProxy(s3.server);
    try {
      const endpointUrl = `https://localhost:${s3.server.port}`;
      const proxyUrl = `http://127.0.0.1:${proxy.port}`;
      await exercise(await s3.open({ endpointUrl, proxyUrl, caCertificate: authority }));
      expect(proxy.hosts[0]).toBe(`localhost:${s3.server.port}`);
      const through = proxy.hosts.length;
      await exercise(await s3.open({ endpointUrl, proxyUrl, caCertificate: authority, proxyExcludes: ['localhost'] }));
      expect(proxy.hosts).toHaveLength(through);
    } finally {
      await proxy.stop();
    }
  });

  test('bodies with a checksum are not hashed again for the signature', async () => {
    await exercise(await s3.open({ caCertificate: authority, requestChecksum: 'when_supported' }));
    const parts = s3.server.log.filter(({ operation }) => operation === 'UploadPart');
    expect(parts.map(({ headers }) => headers['x-amz-content-sha256'])).toEqual([
      'UNSIGNED-PAYLOAD',
      'UNSIGNED-PAYLOAD',
    ]);
    expect(parts.every(({ headers }) => typeof headers['x-amz-checksum-crc32'] === 'string')).toBe(true);
  });
});

describe('checksums', () => {
  test('are not sent by default where there is an endpoint, except for Content-MD5 of deletions', async () => {
    await s3.restart({
      quirks: { noChunkedBodies: true, deleteWantsMd5: true, emptyEtags: true, noListEncoding: true },
    });
    await exercise(await s3.open());
    const names = new Set(s3.server.log.flatMap(({ headers }) => Object.keys(headers)));
    expect([...names].filter((name) => /checksum|trailer/.test(name))).toEqual([]);
    expect(s3.server.counts()).toMatchObject({ DeleteObjects: 1 });
  });

  test('are sent and checked from end to end where the entry wants it', async () => {
    await exercise(await s3.open({ requestChecksum: 'when_supported' }));
    const storage = await s3.open({ requestChecksum: 'when_supported' });
    await storage.publish(await stage(storage, PATH, randomBytes(6 * MIB)), PATH);
    expect(s3.server.store.bucket('lake').get(`exports/${PATH}`)?.checksums['crc32']).toMatch(/-2$/);
  });

  test('objects are deleted one by one where the store knows nothing else', async () => {
    await s3.restart({ quirks: { noDeleteObjects: true } });
    await exercise(await s3.open());
    expect(s3.server.counts()).toMatchObject({ DeleteObjects: 1, DeleteObject: 2 });
  });
});

describe('settings of the entry', () => {
  const info: Partial<S3Info> = {
    serverSideEncryption: 'aws:kms',
    sseKmsKeyId: 'arn:aws:kms:us-east-1:1:key/abc',
    sseBucketKeyEnabled: true,
    storageClass: 'STANDARD_IA',
    acl: 'bucket-owner-full-control',
    tags: { team: 'data & more', 'cost-centre': '42' },
  };

  test('are those of each part, however it is published', async () => {
    const storage = await s3.open(info);
    const small = await stage(storage, 't/part-00000.parquet', Buffer.from('small'));
    const large = await stage(storage, 't/part-00001.parquet', randomBytes(MIB));
    const moved = await stage(storage, 't/part-00003.parquet', randomBytes(MIB));
    await storage.publish(small, 't/part-00000.parquet');
    await storage.publish(large, 't/part-00001.parquet');
    await storage.publish(moved, 't/part-00002.parquet');
    for (const key of s3.keys()) {
      expect(s3.server.store.bucket('lake').get(key)?.kept).toMatchObject({
        'content-type': 'application/vnd.apache.parquet',
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'arn:aws:kms:us-east-1:1:key/abc',
        'x-amz-server-side-encryption-bucket-key-enabled': 'true',
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-acl': 'bucket-owner-full-control',
        'x-amz-tagging': 'team=data+%26+more&cost-centre=42',
      });
    }
  });

  test('are those of manifests too, but for the storage class, so that they stay readable', async () => {
    const storage = await s3.open({ ...info, storageClass: 'DEEP_ARCHIVE' });
    await storage.put('t/_manifest.json', Buffer.from('{}'));
    const { kept } = s3.server.store.bucket('lake').get('exports/t/_manifest.json')!;
    expect(kept).toMatchObject({ 'content-type': 'application/json', 'x-amz-server-side-encryption': 'aws:kms' });
    expect(kept['x-amz-storage-class']).toBeUndefined();
  });

  test('name the program to the store', async () => {
    await (await s3.open()).prepare();
    await (await s3.open({ userAgent: 'etl-nightly/2' })).prepare();
    const agents = s3.server.log.map(({ headers }) => headers['user-agent']!);
    expect(agents[0]).toMatch(/lakeport\/\d/);
    expect(agents.at(-1)).toContain('etl-nightly/2');
  });
});

describe('clocks', () => {
  test.each([-3_600_000, 3_600_000])('that differ by %i ms are made up for', async (clockOffsetMs) => {
    await s3.restart({ clockOffsetMs });
    await exercise(await s3.open());
  });
});

describe('stderr', () => {
  test('stays empty: the SDK has nothing to tell a user', async () => {
    const warnings: unknown[] = [];
    const listen = (warning: unknown) => warnings.push(warning);
    process.on('warning', listen);
    const written = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await exercise(await s3.open());
    process.off('warning', listen);
    expect(written).not.toHaveBeenCalled();
    expect(warnings).toEqual([]);
    written.mockRestore();
  });
});
