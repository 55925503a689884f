import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { describe, expect, it } from 'vitest';

import type { NetworkSettings } from '../../../src/storage/network-settings.js';
import type { StorageEntry } from '../../../src/auth/entries.js';
import { openStorage } from '../../../src/stores.js';
import { startAzurite } from '../../servers/azurite.js';
import { failure } from '../../harness/failure.js';
import { startGcsServer } from '../../servers/gcs-server.js';
import { startHttpProxy } from '../../servers/http-proxy.js';
import { s3Entry } from '../../harness/s3-entry.js';
import { startS3Server } from '../../servers/s3-server/index.js';
import { azureEntry, gcsEntry } from '../../harness/store-entries.js';

/** More than the retries of the clients take together, so that these alone do not get there. */
const LATE_MS = 4_000;
const PATIENT: Partial<NetworkSettings> = { connectTimeoutMs: 60_000, maxRetries: 5 };
const BUCKET = 'test-bucket';

interface Store {
  readonly port: number;
  entry(port: number, network?: Partial<NetworkSettings>): StorageEntry;
  stop(): Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<Store>>> = {
  S3: async () => {
    const server = await startS3Server({ bucket: BUCKET });
    return {
      port: server.port,
      entry: (port, network) => s3Entry({ bucket: BUCKET, endpointUrl: `http://127.0.0.1:${port}`, ...network }),
      stop: () => server.stop(),
    };
  },
  'Cloud Storage': async () => {
    const server = await startGcsServer({ buckets: [BUCKET] });
    return {
      port: server.port,
      entry: (port, network) => gcsEntry({ bucket: BUCKET, endpointUrl: `http://127.0.0.1:${port}`, ...network }),
      stop: () => server.stop(),
    };
  },
  Azure: async () => {
    const azurite = await startAzurite();
    const { account: accountName, key: accountKey, port } = azurite;
    const key = new StorageSharedKeyCredential(accountName, accountKey);
    await new BlobServiceClient(`${azurite.endpoint}/${accountName}`, key).createContainer(BUCKET);
    const credentials = { kind: 'account-key', accountKey } as const;
    return {
      port,
      entry: (at, network) =>
        azureEntry({ accountName, container: BUCKET, credentials, endpointUrl: `http://127.0.0.1:${at}`, ...network }),
      stop: () => azurite.stop(),
    };
  },
};

/** A port that nobody listens on, and a door to another one that may be opened there later. */
async function closedDoor(target: number): Promise<{ readonly port: number; open(): Promise<Server> }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return {
    port,
    open: async () => {
      const server = createServer((inner) => {
        const outer = connect(target, '127.0.0.1');
        const end = () => void [inner, outer].map((socket) => socket.destroy());
        for (const socket of [inner, outer]) socket.on('error', end).on('close', end);
        inner.pipe(outer).pipe(inner);
      });
      await once(server.listen(port, '127.0.0.1'), 'listening');
      return server;
    },
  };
}

async function write(entry: StorageEntry): Promise<void> {
  const storage = await openStorage({ kind: 'entry', entry });
  try {
    await storage.prepare();
    await storage.put('orders/1', Buffer.from('x'));
  } finally {
    await storage.close();
  }
}

describe.concurrent.each(Object.keys(STORES))('%s', (name) => {
  it('that starts after the run is waited for', { timeout: 60_000 }, async () => {
    const store = await STORES[name]!();
    const proxy = await startHttpProxy(store);
    const [door, lateProxy] = [await closedDoor(store.port), await closedDoor(proxy.port)];
    const proxyUrl = `http://127.0.0.1:${lateProxy.port}`;
    const writing = Promise.all([
      write(store.entry(door.port, PATIENT)),
      // Addresses of this machine go through a proxy that the entry itself names.
      write(store.entry(store.port, { ...PATIENT, proxyUrl })),
    ]);
    writing.catch(() => undefined);
    await sleep(LATE_MS);
    const servers = [await door.open(), await lateProxy.open()];
    await writing;
    for (const server of servers) server.close();
    await proxy.stop();
    await store.stop();
  });
});

describe('a store that never starts', () => {
  const credentials = { kind: 'account-key', accountKey: 'aGlkZGVuLXdvcmQ=' } as const;
  const network = { connectTimeoutMs: 1_000, maxRetries: 0 };
  const entries: Readonly<Record<string, (endpointUrl: string) => StorageEntry>> = {
    S3: (endpointUrl) => s3Entry({ bucket: BUCKET, endpointUrl, ...network }),
    GCS: (endpointUrl) => gcsEntry({ endpointUrl, ...network }),
    Azure: (endpointUrl) => azureEntry({ accountName: 'lake', credentials, endpointUrl, ...network }),
  };

  it.concurrent.each(Object.keys(entries))('is given up when the time to connect is over: %s', async (name) => {
    const { port } = await closedDoor(0);
    const start = performance.now();
    const error = await failure(write(entries[name]!(`http://127.0.0.1:${port}`)));
    expect(error.code).toBe(`${name.toUpperCase()}_CONNECTION_REFUSED`);
    expect(error.hint).toContain('waits for a store that is starting for "connect_timeout" of the entry, now 1 s');
    expect(performance.now() - start).toBeGreaterThan(900);
  });
});
