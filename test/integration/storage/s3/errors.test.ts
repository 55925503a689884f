import http from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';

import type { S3Info } from '../../../../src/storage/s3/info.js';
import type { LakeportError } from '../../../../src/errors.js';
import { openS3Storage } from '../../../../src/storage/s3/index.js';
import { s3Entry } from '../../../harness/s3-entry.js';
import { failureOf, stage, useS3Server } from '../../../harness/s3-harness.js';
import { Refusal } from '../../../servers/s3-server/refusal.js';

const SECRET = 'marker-SECRET-key-1234567890';
const TOKEN = 'marker-SESSION-token-1234567890';

const s3 = useS3Server();
const servers: Server[] = [];

afterEach(() => servers.splice(0).forEach((server) => server.close()));

/** The explanation of the first request of a run. */
async function mistake(info: Partial<S3Info>): Promise<LakeportError> {
  const storage = await s3.open({ maxRetries: 0, ...info });
  return await failureOf(storage.prepare());
}

/** What a person reads, and what DEBUG output holds besides. */
function everything(error: LakeportError): string {
  const cause = error.cause as Error;
  return [JSON.stringify(error.toData()), JSON.stringify(Object.entries(cause)), cause.message, cause.stack].join('\n');
}

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function keys(accessKeyId: string, secretAccessKey: string, sessionToken?: string): S3Info['credentials'] {
  return { kind: 'keys', accessKeyId, secretAccessKey, sessionToken };
}

describe('each classic mistake has a sentence of its own', () => {
  test('wrong region', async () => {
    await s3.restart({ region: 'eu-west-3' });
    const error = await mistake({ region: 'us-east-1' });
    expect(error).toMatchObject({
      code: 'S3_WRONG_REGION',
      exit: 'unreachable',
      transient: false,
      message: 'Bucket "lake" is in the region eu-west-3, not in us-east-1',
      context: { entry: 'lake' },
    });
    expect(error.hint).toContain('"region": "eu-west-3"');
  });

  test('unknown access key id', async () => {
    const error = await mistake({ credentials: keys('AKIASOMEBODYELSE', SECRET) });
    expect(error).toMatchObject({ code: 'S3_UNKNOWN_ACCESS_KEY', exit: 'unreachable', transient: false });
    expect(error.hint).toContain('access_key_id');
    expect(everything(error)).not.toMatch(/AKIASOMEBODYELSE|marker-SECRET/);
  });

  test('wrong secret key', async () => {
    const error = await mistake({ credentials: keys('AKIATEST', SECRET) });
    expect(error).toMatchObject({ code: 'S3_WRONG_SECRET_KEY', exit: 'unreachable', transient: false });
    expect(everything(error)).not.toMatch(/marker-SECRET/);
    expect(everything(error)).not.toContain('AWS4-HMAC-SHA256');
  });

  test('session token of other keys', async () => {
    const error = await mistake({ credentials: keys('AKIATEST', 'test-secret-key', TOKEN) });
    expect(error.code).toBe('S3_WRONG_SESSION_TOKEN');
    expect(everything(error)).not.toContain(TOKEN);
  });

  test('expired session token', async () => {
    s3.server.refuse(() => new Refusal(400, 'ExpiredToken', { elements: { 'Token-0': TOKEN } }));
    const error = await mistake({ credentials: keys('AKIATEST', 'test-secret-key', TOKEN) });
    expect(error).toMatchObject({ code: 'S3_CREDENTIALS_EXPIRED', transient: false });
    expect(everything(error)).not.toContain(TOKEN);
  });

  test('no such bucket', async () => {
    const error = await mistake({ bucket: 'ponds' });
    expect(error).toMatchObject({ code: 'S3_NO_SUCH_BUCKET', exit: 'unreachable', transient: false });
    expect(error.message).toContain('no bucket "ponds"');
  });

  test('no such bucket, where the store wants the bucket in the path', async () => {
    // The proxy plays a name server that leads every host to the store.
    const error = await mistake({
      endpointUrl: 'http://store.localhost',
      forcePathStyle: false,
      proxyUrl: s3.server.endpoint,
      proxyExcludes: [],
    });
    expect(error.code).toBe('S3_NO_SUCH_BUCKET');
    expect(error.hint).toContain('"force_path_style": true');
  });

  test('path style needed: the bucket made a host that nobody knows', async () => {
    const error = await mistake({ endpointUrl: 'http://store.invalid:9000', allowHttp: true, forcePathStyle: false });
    expect(error).toMatchObject({ code: 'S3_PATH_STYLE_NEEDED', transient: false });
    expect(error.message).toContain('lake.store.invalid');
    expect(error.hint).toContain('"force_path_style": true');
  });

  test('unknown host', async () => {
    const error = await mistake({ endpointUrl: 'http://store.invalid:9000', allowHttp: true });
    expect(error.code).toMatch(/^S3_(?:UNKNOWN_HOST|HOST_NOT_RESOLVED)$/);
    expect(error.message).toContain('store.invalid');
  });

  test('nobody listens', async () => {
    const error = await mistake({ endpointUrl: 'http://127.0.0.1:1', connectTimeoutMs: 300 });
    expect(error).toMatchObject({ code: 'S3_CONNECTION_REFUSED', exit: 'unreachable', transient: true });
    expect(error.message).toContain('127.0.0.1:1');
  });

  test('the clock is wrong in a way that can not be corrected', async () => {
    s3.server.refuse(() => new Refusal(403, 'RequestTimeTooSkewed'));
    const error = await mistake({});
    expect(error).toMatchObject({ code: 'S3_CLOCK_SKEW', transient: false });
    expect(error.hint).toContain('15 minutes');
  });

  test.each([
    ['a web site', 200, 'text/html; charset=utf-8', '<!DOCTYPE html><html><body>Console</body></html>'],
    ['a web site without the file', 404, 'text/html', '<html><body>Not found</body></html>'],
    ['a page of a proxy', 403, 'text/html', '<HTML><body>Blocked</body></HTML>'],
    ['something in JSON', 200, 'application/json', '{"ok":true}'],
  ])('the endpoint is %s', async (_name, status, type, body) => {
    const endpointUrl = await listen(
      http.createServer((_request, response) => response.writeHead(status, { 'content-type': type }).end(body)),
    );
    const storage = await s3.open({ endpointUrl, maxRetries: 0 });
    for (const attempt of [
      () => storage.prepare(),
      () => storage.list('t'),
      () => stage(storage, 't/part-00000.parquet', Buffer.alloc(100_000)),
    ]) {
      expect(await failureOf(attempt())).toMatchObject({
        code: 'S3_NOT_AN_S3_ENDPOINT',
        exit: 'unreachable',
        transient: false,
      });
    }
  });

  test('an empty answer that calls itself a page is a success', async () => {
    const endpointUrl = await listen(
      http.createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end()),
    );
    await (await s3.open({ endpointUrl, maxRetries: 0 })).remove(['t/part-00000.parquet']);
  });

  test('the endpoint does not speak HTTP', async () => {
    const endpointUrl = await listen(createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
    expect(await mistake({ endpointUrl })).toMatchObject({ code: 'S3_NOT_AN_S3_ENDPOINT', transient: false });
  });

  test('the endpoint does not speak TLS', async () => {
    const error = await mistake({ endpointUrl: s3.server.endpoint.replace('http:', 'https:') });
    expect(error).toMatchObject({ code: 'TLS_NOT_SPOKEN', transient: false });
    expect(error.hint).toContain('allow_http');
  });

  test('plain http to another machine is refused before anything is sent', async () => {
    const entry = s3Entry({ bucket: 'lake', endpointUrl: 'http://store.example.com' });
    expect(await failureOf(openS3Storage(entry))).toMatchObject({ code: 'STORAGE_PLAIN_HTTP', exit: 'usage' });
  });

  test('a profile that is not there', async () => {
    const error = await mistake({ credentials: { kind: 'profile', profile: 'nobody-has-this-profile' } });
    expect(error).toMatchObject({ code: 'S3_NO_SUCH_PROFILE', exit: 'usage' });
    expect(error.message).toContain('nobody-has-this-profile');
  });
});

describe('a missing permission is named', () => {
  async function denied(operation: string, act: (storage: Awaited<ReturnType<typeof s3.open>>) => Promise<unknown>) {
    const storage = await s3.open();
    await storage.put('t/part-00000.parquet', Buffer.from('x'));
    s3.server.refuse((request) => (request.operation === operation ? new Refusal(403, 'AccessDenied') : undefined));
    const error = await failureOf(act(storage));
    expect(error).toMatchObject({ code: 'S3_ACCESS_DENIED', exit: 'unreachable', transient: false });
    return error;
  }

  test.each([
    ['PutObject', 's3:PutObject', 'may not write s3://lake/exports/t/_SUCCESS'],
    ['DeleteObject', 's3:DeleteObject', 'may not delete s3://lake/exports/t/part-00000.parquet'],
    ['DeleteObjects', 's3:DeleteObject', 'may not delete'],
    ['ListObjectsV2', 's3:ListBucket', 'may not list s3://lake/exports/t/'],
    ['GetObject', 's3:GetObject, s3:ListBucket', 'may not read'],
    ['CreateMultipartUpload', 's3:PutObject', 'may not write'],
    ['AbortMultipartUpload', 's3:AbortMultipartUpload', 'may not abort the upload of'],
  ])('%s', async (operation, permission, sentence) => {
    const error = await denied(operation, async (storage) => {
      await storage.get('t/part-00000.parquet');
      await storage.list('t');
      await storage.put('t/_SUCCESS', new Uint8Array());
      await storage.discard(await stage(storage, 't/part-00000.parquet', Buffer.alloc(100_000)));
      await storage.remove(['t/part-00000.parquet']);
      await storage.remove(['t/a', 't/b']);
    });
    expect(error.message).toContain(sentence);
    expect(error.hint).toContain(permission);
  });

  test("the service's own word for it goes first", async () => {
    s3.server.refuse(
      () =>
        new Refusal(403, 'AccessDenied', {
          message:
            'User: arn:aws:iam::1:user/etl is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:x with an explicit deny in a resource-based policy',
        }),
    );
    const error = await mistake({});
    expect(error.hint).toContain('Grant kms:GenerateDataKey');
    expect(error.message).toContain('explicit deny in a resource-based policy');
  });

  test('settings of the entry that need further permissions', async () => {
    s3.server.refuse(() => new Refusal(403, 'AccessDenied'));
    const error = await mistake({
      acl: 'bucket-owner-full-control',
      tags: { team: 'etl' },
      serverSideEncryption: 'aws:kms',
    });
    expect(error.hint).toMatch(/s3:PutObjectAcl.*s3:PutObjectTagging.*kms:GenerateDataKey/);
  });

  test('an object lock or a policy that forbids to delete is told as such, single keys included', async () => {
    s3.server.refuse(({ operation }) => (operation === 'DeleteObject' ? new Refusal(403, 'AccessDenied') : undefined));
    const storage = await s3.open();
    expect((await failureOf(storage.remove(['t/x']))).hint).toContain('object lock');
    await storage.prepare();
  });
});

describe('in the middle of a run', () => {
  test('the bucket is deleted', async () => {
    const storage = await s3.open();
    const writer = await storage.stage('t/part-00000.parquet', { runId: 'run-1' });
    await writer.write([Buffer.alloc(100_000)]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    s3.server.store.buckets.clear();
    s3.server.store.uploads.clear();
    expect(await failureOf(writer.end())).toMatchObject({ code: 'S3_NO_SUCH_BUCKET', transient: false });
    await writer.abort();
  });

  test.each([
    ['InvalidStorageClass', 400, 'S3_STORAGE_CLASS_REFUSED', false],
    ['AccessControlListNotSupported', 400, 'S3_ACL_REFUSED', false],
    ['KMS.NotFoundException', 400, 'S3_KMS_KEY_REFUSED', false],
    ['QuotaExceeded', 403, 'S3_QUOTA_EXCEEDED', false],
    ['NotImplemented', 501, 'S3_NOT_SUPPORTED', false],
    ['SlowDown', 503, 'S3_BUSY', true],
    ['TooManyRequests', 429, 'S3_BUSY', true],
    ['InternalError', 500, 'S3_SERVICE_FAILED', true],
    ['OperationAborted', 409, 'S3_CONFLICT', true],
    ['MethodNotAllowed', 405, 'S3_NOT_ALLOWED', false],
    ['SomethingNew', 400, 'S3_REFUSED', false],
  ])('%s (%i) is %s', async (code, status, expected, transient) => {
    s3.server.refuse(() => new Refusal(status, code));
    const error = await mistake({});
    expect(error).toMatchObject({ code: expected, transient });
    expect(error.context.detail).toContain(`${code} (HTTP ${status}`);
  });

  test('a refusal without a reason names the settings that it may be about', async () => {
    s3.server.refuse(() => new Refusal(400, 'InvalidArgument'));
    const error = await mistake({ storageClass: 'ICE', tags: { team: 'etl' } });
    expect(error.hint).toContain('storage_class, tags of the entry');
  });

  test('what an unknown refusal says is shown without secrets', async () => {
    s3.server.refuse(({ headers }) => new Refusal(400, 'Odd', { message: `${SECRET} ${headers.authorization ?? ''}` }));
    const error = await mistake({ credentials: keys('marker-KEY-ID-123', SECRET) });
    expect(everything(error)).not.toMatch(/marker-SECRET|marker-KEY-ID/);
  });

  test('a gateway that is short of its store says so in HTML', async () => {
    const endpointUrl = await listen(
      http.createServer((_request, response) =>
        response.writeHead(502, { 'content-type': 'text/html' }).end('<html><body>Bad gateway</body></html>'),
      ),
    );
    expect(await mistake({ endpointUrl })).toMatchObject({ code: 'S3_SERVICE_FAILED', transient: true });
  });
});
