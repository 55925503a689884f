import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { StorageEntry } from '../../../src/auth/entries.js';
import { openStorage } from '../../../src/stores.js';
import type { Storage } from '../../../src/storage/storage.js';
import { startAzurite } from '../../servers/azurite.js';
import { failure } from '../../harness/failure.js';
import { type Fault, type FaultProxy, s3Error, startFaultProxy } from '../../servers/fault-proxy.js';
import { startGcsServer } from '../../servers/gcs-server.js';
import { s3Entry } from '../../harness/s3-entry.js';
import { startS3Server } from '../../servers/s3-server/index.js';
import { azureEntry, gcsEntry } from '../../harness/store-entries.js';

const BUCKET = 'test-bucket';

interface Store {
  readonly proxy: FaultProxy;
  readonly entry: StorageEntry;
  stop(): Promise<void>;
}

async function behind(
  server: { readonly port: number; stop(): Promise<void> },
  entry: (endpoint: string) => StorageEntry,
): Promise<Store> {
  const proxy = await startFaultProxy(server);
  return { proxy, entry: entry(proxy.endpoint), stop: () => Promise.all([proxy.stop(), server.stop()]).then() };
}

const STORES: Readonly<Record<'S3' | 'GCS' | 'AZURE', () => Promise<Store>>> = {
  S3: async () =>
    behind(await startS3Server({ bucket: BUCKET }), (endpointUrl) => s3Entry({ bucket: BUCKET, endpointUrl })),
  GCS: async () => behind(await startGcsServer({ buckets: [BUCKET] }), (endpointUrl) => gcsEntry({ endpointUrl })),
  AZURE: async () => {
    const azurite = await startAzurite();
    const { account: accountName, key: accountKey, endpoint } = azurite;
    const key = new StorageSharedKeyCredential(accountName, accountKey);
    await new BlobServiceClient(`${endpoint}/${accountName}`, key).createContainer(BUCKET);
    const credentials = { kind: 'account-key', accountKey } as const;
    return behind(azurite, (endpointUrl) => azureEntry({ accountName, container: BUCKET, credentials, endpointUrl }));
  },
};

/** As Cloud Storage and Azure write it. */
const GCS_401: Fault = {
  kind: 'answer',
  status: 401,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ error: { code: 401, message: 'Invalid Credentials', errors: [{ reason: 'authError' }] } }),
};

function azureError(status: number, code: string, detail?: string): Fault {
  const more = detail === undefined ? '' : `<AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail>`;
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/xml', 'x-ms-error-code': code, 'x-ms-request-id': 'fault' },
    body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>Server failed to authenticate the request.</Message>${more}</Error>`,
  };
}

const TIME_FRAME = 'Signature not valid in the specified time frame: Start [Mon] - Expiry [Tue] - Current [Wed]';
const LIFETIME = 'Lifetime validation failed. The token is expired.';

const REFUSALS: readonly (readonly [keyof typeof STORES, string, Fault])[] = [
  ['S3', 'ExpiredToken', s3Error(400, 'ExpiredToken')],
  ['S3', 'TokenRefreshRequired', s3Error(400, 'TokenRefreshRequired')],
  ['S3', 'InvalidToken', s3Error(400, 'InvalidToken')],
  ['S3', 'InvalidAccessKeyId', s3Error(403, 'InvalidAccessKeyId')],
  ['GCS', '401', GCS_401],
  ['AZURE', 'AuthenticationFailed', azureError(403, 'AuthenticationFailed')],
  ['AZURE', 'AuthenticationFailed, the time is over', azureError(403, 'AuthenticationFailed', TIME_FRAME)],
  ['AZURE', 'InvalidAuthenticationInfo, an old token', azureError(401, 'InvalidAuthenticationInfo', LIFETIME)],
];

describe.each(Object.keys(STORES) as (keyof typeof STORES)[])('credentials that end in mid-run: %s', (name) => {
  let store: Store;
  let storage: Storage;

  beforeAll(async () => {
    store = await STORES[name]();
  });
  afterEach(async () => {
    store.proxy.breakBy(() => undefined);
    await storage.close();
  });
  afterAll(() => store.stop());

  it.each(REFUSALS.filter(([of]) => of === name))('%s answers %s', async (_, answer, fault) => {
    const entry = store.entry;
    storage = await openStorage({ kind: 'entry', entry });
    await storage.put('a', Buffer.from('x'));
    store.proxy.breakBy(() => fault);
    for (const request of [
      () => storage.put('b', Buffer.from('x'), { replaces: { version: undefined } }),
      () => storage.get('a'),
      () => storage.remove(['a']),
      () => storage.list(''),
    ]) {
      const error = await failure(request());
      expect(error).toMatchObject({ code: `${name}_CREDENTIALS_EXPIRED`, exit: 'unreachable', transient: false });
      expect(error.message).toContain('have expired or were revoked: they were accepted earlier in this run');
      expect(error.hint).toContain('A run recorded in a run log can be continued with --resume');
    }

    // Those that were never good are wrong, unless the store says itself that they were.
    const other = await openStorage({ kind: 'entry', entry });
    const never = await failure(other.put('c', Buffer.from('x')));
    if (/^Expired|Refresh|time is over|old token/.test(answer)) expect(never.code).toBe(`${name}_CREDENTIALS_EXPIRED`);
    else expect(never.code).toMatch(/_(?:REFUSED|UNKNOWN_ACCESS_KEY|WRONG_SESSION_TOKEN)$/);
    expect(never.message).not.toContain('accepted earlier');
    await other.close();
  });
});

describe('an S3 whose answers to HEAD have no body', () => {
  it('says of expired credentials no more than 400', async () => {
    const store = await STORES.S3();
    const storage = await openStorage({ kind: 'entry', entry: store.entry });
    await storage.put('a', Buffer.from('x'));
    store.proxy.breakBy(() => ({ kind: 'answer', status: 400 }));
    expect(await failure(storage.find('a'))).toMatchObject({ code: 'S3_CREDENTIALS_EXPIRED' });
    await storage.close();
    await store.stop();
  });
});
