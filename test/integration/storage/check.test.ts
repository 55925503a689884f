import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { temporaryDirectory, type TemporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { runCliHere } from '../../harness/cli-here.js';
import { LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import type { CheckDocument } from '../../harness/cli-storage-run.js';
import { Refusal } from '../../servers/s3-server/refusal.js';
import { type S3Server, startS3Server } from '../../servers/s3-server/index.js';

/** `lakeport check` on storages: what works, and the classic mistakes, each with its own sentence and a way out. */

const SECRET = 'sEcr3t-Marker/KEY';

let stores: readonly CliStore[];
let tls: S3Server;
let strict: S3Server;
let website: http.Server;
let home: TemporaryDirectory;
let entries: Record<string, unknown>;

beforeAll(async () => {
  stores = await Promise.all(Object.values(CLI_STORES).map((start) => start()));
  tls = await startS3Server({ bucket: 'lake', tls: { cert: LOCALHOST_CERTIFICATE, key: SERVER_KEY } });
  strict = await startS3Server({ bucket: 'lake', region: 'eu-west-1', secretAccessKey: SECRET });
  website = http.createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><html>Console</html>');
  });
  await once(website.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  website.closeAllConnections();
  website.close();
  await home.remove();
  await Promise.all([...stores, tls, strict].map((store) => store.stop()));
});
beforeEach(async () => {
  home = await temporaryDirectory();
});

function s3(overrides: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const info = {
    bucket: 'lake',
    endpoint_url: strict.endpoint,
    region: 'eu-west-1',
    access_key_id: strict.accessKeyId,
    secret_access_key: SECRET,
    max_retries: 1,
  };
  return { storage_type: 's3', info: { ...info, ...overrides } };
}

function info(kind: CliStore['kind'], overrides: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { entry } = stores.find((store) => store.kind === kind)!;
  return { ...entry, info: { ...(entry['info'] as object), max_retries: 1, ...overrides } };
}

async function check(...args: string[]) {
  const auth = await writeAuthFile(home.path, entries);
  const { code, stdout, stderr } = await runCliHere(['check', '-a', auth, ...args], {
    cwd: home.path,
    env: { XDG_STATE_HOME: home.path },
  });
  expect(stdout + stderr).not.toContain(SECRET);
  return { code, stdout, stderr };
}

test('every kind of store is written to, read back and left as it was', async () => {
  entries = Object.fromEntries(stores.map(({ kind, entry }) => [kind, entry]));
  const { code, stdout } = await check('--json');
  expect(code).toBe(0);
  const { entries: checks } = JSON.parse(stdout) as CheckDocument;
  expect(checks).toMatchObject(
    stores.map(({ kind, shownBase }) => ({ id: kind, kind, address: shownBase, result: 'ok' })),
  );
  for (const store of stores) {
    expect((await store.objects()).size).toBe(0);
    expect(await store.leftovers()).toEqual([]);
  }
});

test('each mistake is told by its own sentence, and the others are checked all the same', async () => {
  const { port } = website.address() as AddressInfo;
  const page = `http://127.0.0.1:${port}`;
  entries = {
    right: s3({}),
    written_as_url: s3({ bucket: 's3://lake' }),
    wrong_secret: s3({ secret_access_key: `${SECRET}-old` }),
    unknown_key: s3({ access_key_id: 'AKIAOTHER' }),
    wrong_region: s3({ region: 'us-east-1' }),
    no_bucket: s3({ bucket: 'laek' }),
    not_s3: s3({ endpoint_url: page }),
    closed_port: s3({ endpoint_url: 'http://127.0.0.1:1', connect_timeout: '500ms' }),
    unknown_host: s3({ endpoint_url: 'https://no-such-host.invalid' }),
    untrusted: s3({ endpoint_url: tls.endpoint }),
    no_profile: { storage_type: 's3', info: { bucket: 'lake', region: 'eu-west-1', profile: 'nobody' } },
    gcs_no_bucket: info('gcs', { bucket: 'no-such-bucket' }),
    gcs_no_key_file: info('gcs', { credentials_file: '/nonexistent/key.json' }),
    gcs_website: info('gcs', { endpoint_url: page }),
    azure_wrong_key: info('azure', { account_key: Buffer.from(SECRET).toString('base64') }),
    azure_no_container: info('azure', { container: 'no-such-container' }),
    not_a_directory: { storage_type: 'local', info: { directory: '/dev/null/lake' } },
  };
  const { code, stdout, stderr } = await check('--json');
  expect(code, stdout + stderr).toBe(4);
  expect(stderr).toContain('s3://');
  const { entries: checks } = JSON.parse(stdout) as CheckDocument;
  expect(Object.fromEntries(checks.map(({ id, result, error }) => [id, error?.code ?? result]))).toEqual({
    right: 'ok',
    written_as_url: 'ok',
    wrong_secret: 'S3_WRONG_SECRET_KEY',
    unknown_key: 'S3_UNKNOWN_ACCESS_KEY',
    wrong_region: 'S3_WRONG_REGION',
    no_bucket: 'S3_NO_SUCH_BUCKET',
    not_s3: 'S3_NOT_AN_S3_ENDPOINT',
    closed_port: 'S3_CONNECTION_REFUSED',
    unknown_host: 'S3_UNKNOWN_HOST',
    untrusted: 'TLS_CERTIFICATE_NOT_TRUSTED',
    no_profile: 'S3_NO_SUCH_PROFILE',
    gcs_no_bucket: 'GCS_NO_SUCH_BUCKET',
    gcs_no_key_file: 'GCS_KEY_FILE_NOT_FOUND',
    gcs_website: 'GCS_NOT_THE_SERVICE',
    azure_wrong_key: 'AZURE_CREDENTIALS_REFUSED',
    azure_no_container: 'AZURE_NO_SUCH_CONTAINER',
    not_a_directory: 'NOT_A_DIRECTORY',
  });
  const failed = checks.filter(({ error }) => error !== undefined);
  for (const { id, error } of failed) expect(error?.hint, id).toBeDefined();
  expect(new Set(failed.map(({ error }) => error?.message)).size).toBe(failed.length);
});

test('a permission that is missing is named', async () => {
  strict.refuse(({ operation }) =>
    operation.startsWith('Delete') ? new Refusal(403, 'AccessDenied', { message: 'Access Denied' }) : undefined,
  );
  entries = { lake: s3({}) };
  const { code, stdout } = await check();
  strict.refuse(undefined);
  expect(code).toBe(4);
  expect(stdout).toMatch(/lake\s+s3\s+s3:\/\/lake\s+failed/);
  expect(stdout).toMatch(/hint:.*s3:DeleteObject/);
});

test('what is wrong with entries themselves is told at once, all of it, before anything is opened', async () => {
  entries = {
    plain_http: s3({ endpoint_url: 'http://10.1.2.3:9000' }),
    two_ways: s3({ profile: 'etl' }),
    key_without_kms: s3({ sse_kms_key_id: 'arn:aws:kms:eu-west-1:111122223333:key/1' }),
    no_bucket: s3({ bucket: '' }),
    unknown: { storage_type: 'ftp', info: { bucket: 'lake' } },
  };
  strict.counts();
  const { code, stderr } = await check();
  expect(code).toBe(2);
  expect(stderr).toMatch(/plain_http: .*allow_http/);
  expect(stderr).toMatch(/two_ways: .*profile/);
  expect(stderr).toMatch(/key_without_kms: .*aws:kms/);
  expect(stderr).toMatch(/no_bucket: .*bucket/);
  expect(stderr).toMatch(/unknown: .*ftp.*s3.*gcs.*azure.*local/s);
  expect(strict.counts()).toEqual({});
});
