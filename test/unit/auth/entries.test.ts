import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { readAuthFile } from '../../../src/auth-file.js';

type Info = Readonly<Record<string, unknown>>;

async function read(entry: Readonly<Record<string, unknown>>) {
  const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-auth-'));
  const file = path.join(directory, 'auth.json');
  writeFileSync(file, JSON.stringify({ id: entry }), { mode: 0o600 });
  try {
    return await readAuthFile(file, { environment: {} });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function info(type: string, fields: Info): Promise<unknown> {
  const field = ['postgres', 'mssql', 'sqlite'].includes(type) ? 'ds_type' : 'storage_type';
  return (await read({ [field]: type, info: fields })).entry('id').info;
}

async function warnings(type: string, fields: Info) {
  return (await read({ storage_type: type, info: fields })).warnings;
}

const keys = { access_key_id: 'AK', secret_access_key: 'SK' };

describe('PostgreSQL', () => {
  const fields = { server: 'h', username: 'u' };

  it('has its defaults', async () => {
    expect(await info('postgres', fields)).toEqual({
      connectionString: undefined,
      server: 'h',
      port: 5432,
      database: undefined,
      username: 'u',
      password: undefined,
      ssl: 'prefer',
      sslCa: undefined,
      sslCert: undefined,
      sslKey: undefined,
      options: {},
      connectTimeoutMs: 30_000,
      statementTimeoutMs: undefined,
    });
  });

  it('takes synonyms, any case, flags and numbers as text', async () => {
    expect(
      await info('postgres', {
        HOST: 'h',
        User: 'u',
        port: '6000',
        sslmode: 'REQUIRE',
        statementTimeout: 90,
        connect_timeout: '500ms',
      }),
    ).toMatchObject({
      server: 'h',
      username: 'u',
      port: 6000,
      ssl: 'require',
      statementTimeoutMs: 90_000,
      connectTimeoutMs: 500,
    });
    expect(await info('postgres', { ...fields, ssl: true })).toMatchObject({ ssl: 'require' });
    expect(await info('postgres', { ...fields, ssl: false, statement_timeout: 0 })).toMatchObject({
      ssl: 'disable',
      statementTimeoutMs: undefined,
    });
  });

  it('takes a home directory in paths', async () => {
    expect(await info('postgres', { ...fields, ssl_ca: '~/ca.pem' })).toMatchObject({
      sslCa: path.join(homedir(), 'ca.pem'),
    });
  });

  it('takes a connection string instead of the fields, not beside them', async () => {
    expect(await info('postgres', { connection_string: 'postgres://u@h/d', connect_timeout: 5 })).toEqual({
      connectionString: 'postgres://u@h/d',
      options: {},
      connectTimeoutMs: 5000,
      statementTimeoutMs: undefined,
    });
    await expect(info('postgres', { connection_string: 'x', server: 'h' })).rejects.toThrow(
      /`connection_string` cannot be combined with `server`: give either/,
    );
  });

  it('starts with TLS where it is told to', async () => {
    for (const given of [{ ssl: 'require' }, { ssl: true }, { ssl: 'verify-full' }, { ssl_ca: 'system' }]) {
      const asked = { ...fields, ...given, sslnegotiation: 'direct' };
      expect(await info('postgres', asked)).toMatchObject({ tlsNegotiation: 'direct' });
    }
    const usual = await info('postgres', { ...fields, ssl_negotiation: 'postgres' });
    expect(usual).toMatchObject({ tlsNegotiation: undefined });
  });

  it.each<[Info, RegExp]>([
    [{ ...fields, port: 0 }, /`port` must be a whole number/],
    [{ ...fields, port: 5432.5 }, /`port` must be a whole number/],
    [{ ...fields, port: 65536 }, /`port` must be a whole number/],
    [{ ...fields, port: null }, /`port` must be a whole number/],
    [{ ...fields, server: 'h:5432' }, /`server` contains a port/],
    [{ ...fields, password: 12345 }, /`password` must be a string/],
    [{ ...fields, ssl_key: 'k' }, /`ssl_cert` is required with `ssl_key`/],
    [{ ...fields, ssl_negotiation: 'direct' }, /`ssl_negotiation` of `direct` requires `ssl` to be `require`/],
    [{ ...fields, ssl: false, ssl_negotiation: 'direct' }, /`ssl_negotiation` of `direct` requires/],
    [{ ...fields, ssl_negotiation: 'tls' }, /`ssl_negotiation` must be one of postgres, direct/],
    [{ connection_string: 'host=h', ssl_negotiation: 'direct' }, /cannot be combined with `ssl_negotiation`/],
    [{ ...fields, options: { 'bad name': 'x' } }, /`options` contains a name/],
    [{ ...fields, options: 'x' }, /`options` must be an object/],
    [{ ...fields, connect_timeout: 0 }, /`connect_timeout` must be a duration/],
    [{ ...fields, connect_timeout: -5 }, /`connect_timeout` must be a duration/],
    [{ ...fields, connect_timeout: '1e9h' }, /`connect_timeout` must be a duration/],
    [{ ...fields, connect_timeout: '9999h' }, /`connect_timeout` must be a duration/],
  ])('refuses %j', async (bad, message) => {
    await expect(info('postgres', bad)).rejects.toThrow(message);
  });
});

describe('SQL Server', () => {
  const login = { username: 'u', password: 'p' };

  it.each<[Info, Info]>([
    [{ server: 'h' }, { server: 'h', instance: undefined, port: 1433, encrypt: true, trustServerCertificate: false }],
    [{ server: 'h\\SQL' }, { server: 'h', instance: 'SQL', port: undefined }],
    [{ server: 'tcp:h,1500' }, { server: 'h', instance: undefined, port: 1500 }],
    [
      { server: 'h', port: 1600, encrypt: 'strict', trustServerCertificate: 'true' },
      { port: 1600, encrypt: 'strict', trustServerCertificate: true },
    ],
    [
      { server: 'h', encrypt: false, domain: 'D' },
      { encrypt: false, domain: 'D' },
    ],
    [{ server: 'h', encrypt: 'Optional' }, { encrypt: false }],
  ])('reads %j', async (given, expected) => {
    expect(await info('mssql', { ...login, ...given })).toMatchObject(expected);
  });

  it.each<[Info, RegExp]>([
    [{ server: 'h\\SQL', port: 1433, ...login }, /`port` cannot be combined with an instance/],
    [{ server: 'h,1', port: 2, ...login }, /`port` is already given in `server`/],
    [{ server: 'h', username: 'u' }, /`password` is missing/],
    [{ server: 'h', ...login, options: {} }, /unknown field `options`/],
  ])('refuses %j', async (bad, message) => {
    await expect(info('mssql', bad)).rejects.toThrow(message);
  });
});

describe('S3', () => {
  it('has its defaults', async () => {
    expect(await info('s3', { bucket: 'b' })).toEqual({
      bucket: 'b',
      basePath: '',
      region: undefined,
      credentials: { kind: 'default' },
      endpointUrl: undefined,
      forcePathStyle: false,
      serverSideEncryption: undefined,
      sseKmsKeyId: undefined,
      sseBucketKeyEnabled: undefined,
      s3Express: false,
      storageClass: undefined,
      acl: undefined,
      tags: {},
      requestChecksum: 'when_supported',
      timeoutMs: 30_000,
      connectTimeoutMs: 5_000,
      maxRetries: 5,
      proxyUrl: undefined,
      proxyExcludes: [],
      proxyCaCertificate: undefined,
      caCertificate: undefined,
      allowHttp: false,
      allowInvalidCertificates: false,
      partSizeBytes: 8 * 2 ** 20,
      uploadConcurrency: 4,
      userAgent: undefined,
    });
  });

  it('takes the keys of every tool, in any case', async () => {
    expect(
      await info('minio_s3', {
        bucketName: 'b',
        awsAccessKeyId: 'AK',
        AWS_SECRET_ACCESS_KEY: 'SK',
        aws_session_token: 'ST',
        aws_endpoint: 'https://minio:9000/',
        aws_region: 'r',
        awsVirtualHostedStyleRequest: 'true',
        aws_server_side_encryption: 'aws:kms',
        aws_sse_kms_key_id: 'k',
        aws_sse_bucket_key_enabled: 'true',
        connectTimeout: '2s',
        TIMEOUT: '60s',
        part_size: '16 MiB',
        proxy_excludes: 'a.com, 10.0.0.0/8',
      }),
    ).toMatchObject({
      bucket: 'b',
      region: 'r',
      credentials: { kind: 'keys', accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'ST' },
      endpointUrl: 'https://minio:9000',
      forcePathStyle: false,
      serverSideEncryption: 'aws:kms',
      sseKmsKeyId: 'k',
      sseBucketKeyEnabled: true,
      requestChecksum: 'when_required',
      connectTimeoutMs: 2000,
      timeoutMs: 60_000,
      partSizeBytes: 16 * 2 ** 20,
      proxyExcludes: ['a.com', '10.0.0.0/8'],
    });
  });

  it('uses path style with an endpoint unless told otherwise', async () => {
    const endpoint = { bucket: 'b', endpoint_url: 'https://e' };
    expect(await info('s3', endpoint)).toMatchObject({ forcePathStyle: true });
    expect(await info('s3', { ...endpoint, virtual_hosted_style_request: true })).toMatchObject({
      forcePathStyle: false,
    });
    expect(await info('s3', { ...endpoint, force_path_style: false })).toMatchObject({ forcePathStyle: false });
    expect(await info('s3', { bucket: 'b', force_path_style: 'true' })).toMatchObject({ forcePathStyle: true });
  });

  it('takes a directory URL for bucket and base path', async () => {
    expect(await info('s3', { directory: 's3://b/x/y/', profile: 'p' })).toMatchObject({
      bucket: 'b',
      basePath: 'x/y',
      credentials: { kind: 'profile', profile: 'p' },
    });
    expect(
      (await read({ ds_type: 's3', auth_mode: 'profile', info: { directory: 's3://b' } })).storage('id').info,
    ).toMatchObject({
      bucket: 'b',
      basePath: '',
    });
  });

  it('takes a bucket with its scheme, and warns', async () => {
    expect(await info('s3', { bucket: 's3://b' })).toMatchObject({ bucket: 'b', basePath: '' });
    expect(await info('s3', { bucket: 's3://b/x/y' })).toMatchObject({ bucket: 'b', basePath: 'x/y' });
    expect(await warnings('s3', { bucket: 's3://b' })).toEqual([
      expect.stringMatching(/line 1: id: `bucket` is used without s3:\/\//),
    ]);
    expect(await warnings('gcs', { bucket: 'gs://b' })).toEqual([expect.stringMatching(/without gs:\/\//)]);
    await expect(info('s3', { bucket: 's3://' })).rejects.toThrow(/`bucket` is empty/);
  });

  it('knows S3 Express buckets by their names', async () => {
    expect(await info('s3', { bucket: 'b--use1-az4--x-s3', endpoint: 'https://e' })).toMatchObject({
      s3Express: true,
      forcePathStyle: false,
    });
    await expect(info('s3', { bucket: 'b', s3Express: 'true' })).rejects.toThrow(/`bucket` must end in --x-s3/);
  });

  it.each(['http://localhost:9000', 'http://127.0.0.1:9000', 'http://[::1]:9000', 'http://s3.localhost'])(
    'takes plain http to this machine: %s',
    async (endpoint) => {
      expect(await info('s3', { bucket: 'b', endpoint })).toMatchObject({ endpointUrl: endpoint });
    },
  );

  it('takes plain http to another machine only with allow_http', async () => {
    await expect(info('s3', { bucket: 'b', endpoint_url: 'http://minio:9000' })).rejects.toThrow(
      /`endpoint_url` is plain http.*allow_http/,
    );
    await expect(info('s3', { bucket: 'b', endpoint: 'http://127.evil.com' })).rejects.toThrow(
      /`endpoint` is plain http/,
    );
    expect(await info('s3', { bucket: 'b', endpoint_url: 'http://minio:9000', allow_http: 'true' })).toMatchObject({
      allowHttp: true,
    });
  });

  it.each<[Info, RegExp]>([
    [{}, /`bucket` is missing/],
    [{ bucket: 'a/b' }, /`bucket` is not a bucket name/],
    [{ bucket: 'b', profile: 'p', ...keys }, /`profile` cannot be combined with `access_key_id`, `secret_access_key`/],
    [{ bucket: 'b', access_key_id: 'AK' }, /`secret_access_key` is required with `access_key_id`/],
    [{ bucket: 'b', session_token: 'ST' }, /`access_key_id` is required with `session_token`/],
    [{ bucket: 'b', sse_kms_key_id: 'k', server_side_encryption: 'AES256' }, /`sse_kms_key_id` requires/],
    [{ bucket: 'b', sse_bucket_key_enabled: true }, /`sse_bucket_key_enabled` requires/],
    [{ bucket: 'b', server_side_encryption: 'kms' }, /must be one of AES256, aws:kms, aws:kms:dsse/],
    [{ bucket: 'b', force_path_style: true, virtual_hosted_style_request: true }, /`force_path_style` contradicts/],
    [{ bucket: 'b', endpoint_url: 'minio:9000' }, /must be a URL that begins with http/],
    [{ bucket: 'b', endpoint_url: 'https://u:secret@minio' }, /without user and password/],
    [{ bucket: 'b', part_size: '1 MiB' }, /`part_size` must be a size from 5 MiB to 5 GiB/],
    [{ bucket: 'b', upload_concurrency: 0 }, /`upload_concurrency` must be a whole number from 1/],
    [{ bucket: 'b', base_path: 'a/../b' }, /`base_path` must be a path without/],
    [{ bucket: 'b', acl: 'everyone' }, /`acl` must be one of private/],
    [{ bucket: 'b', tags: { a: {} } }, /`tags` must be an object/],
    [{ bucket: 'b', max_retries: -1 }, /`max_retries` must be/],
    [{ bucket: 'b', proxy_url: 'socks5://proxy:1080' }, /`proxy_url` must be an http/],
    [{ bucket: 'b', request_checksum: 'never' }, /`request_checksum` must be one of when_required, when_supported/],
    [{ directory: 's3://b/x', bucket: 'c' }, /`directory` contradicts `bucket`/],
    [{ directory: 'gs://b/x' }, /^(?!.*is missing).*`directory` must be a URL such as s3:/s],
    [{ directory: 's3://' }, /`directory` names no bucket/],
    [{ bucket: 's3://b/x', base_path: 'y' }, /`bucket` contains a path, but `base_path` is given too/],
  ])('refuses %j', async (bad, message) => {
    await expect(info('s3', bad)).rejects.toThrow(message);
  });
});

describe('GCS', () => {
  const key = { type: 'service_account', client_email: 'a@b', private_key: 'k', project_id: 'p' };

  it.each<[Info, Info]>([
    [{ bucket: 'b' }, { credentials: { kind: 'default' } }],
    [{ bucket: 'b', credentials_file: 'k.json' }, { credentials: { kind: 'file', path: 'k.json' } }],
    [{ bucket: 'b', google_service_account: 'k.json' }, { credentials: { kind: 'file', path: 'k.json' } }],
    [{ bucket: 'b', googleApplicationCredentials: 'k.json' }, { credentials: { kind: 'file', path: 'k.json' } }],
    [
      { directory: 'gs://b/x', profile: 'k.json' },
      { bucket: 'b', basePath: 'x', credentials: { kind: 'file', path: 'k.json' } },
    ],
    [{ bucket: 'b', service_account_key: key }, { credentials: { kind: 'key', key } }],
    [{ bucket: 'b', google_service_account_key: JSON.stringify(key) }, { credentials: { kind: 'key', key } }],
    [{ bucket: 'b', endpoint_url: 'http://localhost:4443' }, { endpointUrl: 'http://localhost:4443' }],
  ])('reads %j', async (given, expected) => {
    expect(await info('gcs', given)).toMatchObject(expected);
  });

  it.each<[Info, RegExp]>([
    [
      { bucket: 'b', credentials_file: 'k', service_account_key: key },
      /`credentials_file` cannot be combined with `service_account_key`/,
    ],
    [{ bucket: 'b', service_account_key: '/path/key.json' }, /the path of a key file belongs in `credentials_file`/],
    [{ bucket: 'b', service_account_key: { ...key, type: 'authorized_user' } }, /must be a key of a service account/],
    [{ bucket: 'b', service_account_key: { ...key, private_key: '' } }, /has no `private_key`/],
    [{ bucket: 'b', service_account_key: 5 }, /must be the JSON object of a key/],
  ])('refuses %j', async (bad, message) => {
    await expect(info('gcs', bad)).rejects.toThrow(message);
  });
});

describe('Azure', () => {
  const place = { account_name: 'acc', container: 'c' };

  it.each<[Info, Info]>([
    [place, { accountName: 'acc', container: 'c', credentials: { kind: 'default' }, useEmulator: false }],
    [{ ...place, account_key: 'QUJD' }, { credentials: { kind: 'account-key', accountKey: 'QUJD' } }],
    [
      { azureStorageAccountName: 'acc', container: 'c', azure_storage_account_key: 'QUJD' },
      { accountName: 'acc', credentials: { kind: 'account-key' } },
    ],
    [
      { storage_account: 'acc', container: 'c', storage_access_key: 'QUJD' },
      { accountName: 'acc', credentials: { kind: 'account-key' } },
    ],
    [{ ...place, azure_storage_sas_key: '?sv=1' }, { credentials: { kind: 'sas', sasToken: 'sv=1' } }],
    [
      { container: 'c', connection_string: 'AccountName=a' },
      { accountName: undefined, credentials: { kind: 'connection-string' } },
    ],
    [
      { ...place, azure_tenant_id: 't', azure_client_id: 'i', azure_client_secret: 's' },
      { credentials: { kind: 'service-principal', tenantId: 't', clientId: 'i', clientSecret: 's' } },
    ],
    [
      { ...place, azure_federated_token_file: 'f', client_id: 'i' },
      { credentials: { kind: 'workload-identity', clientId: 'i', tokenFile: 'f' } },
    ],
    [{ ...place, azure_object_id: 'o' }, { credentials: { kind: 'managed-identity', objectId: 'o' } }],
    [{ ...place, azure_use_azure_cli: 'true' }, { credentials: { kind: 'azure-cli' } }],
    [{ ...place, azure_storage_token: 'tok' }, { credentials: { kind: 'token', token: 'tok' } }],
    [{ container: 'c', azure_storage_use_emulator: 'true' }, { useEmulator: true }],
    [{ container: 'ws', azure_use_fabric_endpoint: true, azure_disable_tagging: true }, { useFabricEndpoint: true }],
    [
      { directory: 'abfss://c@acc.dfs.core.windows.net/x/y' },
      { accountName: 'acc', container: 'c', basePath: 'x/y', endpointUrl: undefined },
    ],
    [
      { directory: 'az://c/x', account_name: 'acc' },
      { accountName: 'acc', container: 'c', basePath: 'x' },
    ],
    [
      { directory: 'abs://c.blob.core.windows.net/x', account_name: 'acc' },
      { accountName: 'acc', container: 'c', basePath: 'x' },
    ],
    [{ directory: 'https://acc.blob.core.windows.net/c/x' }, { accountName: 'acc', container: 'c', basePath: 'x' }],
    [
      { directory: 'abfss://c@acc.dfs.core.chinacloudapi.cn/' },
      { endpointUrl: 'https://acc.blob.core.chinacloudapi.cn' },
    ],
    [
      { directory: 'abfss://ws@onelake.dfs.fabric.microsoft.com/lh.Lakehouse/Files/x' },
      { accountName: 'onelake', container: 'ws', basePath: 'lh.Lakehouse/Files/x', useFabricEndpoint: true },
    ],
    [
      { directory: 'onelake://ws/lh/' },
      { accountName: 'onelake', container: 'ws', basePath: 'lh.Lakehouse/Files', useFabricEndpoint: true },
    ],
  ])('reads %j', async (given, expected) => {
    expect(await info('azure', given)).toMatchObject(expected);
  });

  it('is OneLake by the name of the kind, too', async () => {
    const given = { container: 'ws', base_path: 'lh.Lakehouse/Files/x' };
    expect(await info('onelake', given)).toMatchObject({ container: 'ws', useFabricEndpoint: true });
  });

  it.each<[Info, RegExp]>([
    [{ container: 'c' }, /`account_name` is missing/],
    [{ account_name: 'a' }, /`container` is missing/],
    [{ ...place, account_key: 'not base64!' }, /`account_key` is not base64/],
    [{ ...place, account_key: 'QUJD', sas_token: 's' }, /`account_key` cannot be combined with `sas_token`/],
    [{ ...place, tenant_id: 't', client_secret: 's' }, /`client_id` is required with `tenant_id`, `client_secret`/],
    [{ directory: 'abfss://c@acc/x' }, /`directory` must be a URL such as abfss:/],
    [{ directory: 'az://c/x' }, /`account_name` is missing/],
    [{ ...place, endpoint_url: 'http://elsewhere' }, /`endpoint_url` is plain http/],
  ])('refuses %j', async (bad, message) => {
    await expect(info('azure', bad)).rejects.toThrow(message);
  });
});

describe('local', () => {
  it.each<[string, Info, string]>([
    ['local', { directory: './exports' }, './exports'],
    ['filesystem', { base_path: '/data' }, '/data'],
    ['local', { directory: 'file:///data/x' }, '/data/x'],
  ])('%s %j', async (type, given, directory) => {
    expect(await info(type, given)).toMatchObject({ directory });
  });

  it.each<[Info, RegExp]>([
    [{}, /`directory` is missing/],
    [{ directory: 's3://b/x' }, /`directory` must be a path or a file:\/\/ URL/],
    [{ directory: 'x', base_path: 'y' }, /`base_path` means the same as `directory`/],
  ])('refuses %j', async (bad, message) => {
    await expect(info('local', bad)).rejects.toThrow(message);
  });
});

describe('SQLite', () => {
  it('is a file', async () => {
    expect(
      (await read({ ds_type: 'sqlite', auth_mode: 'filesystem', info: { filepath: 'x.db' } })).database('id'),
    ).toEqual({
      kind: 'database',
      id: 'id',
      engine: 'sqlite',
      info: { filepath: 'x.db' },
    });
  });
});
