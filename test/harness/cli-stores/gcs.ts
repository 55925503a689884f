import { Storage } from '@google-cloud/storage';

import { startFaultProxy } from '../../servers/fault-proxy.js';
import { startGcsServer } from '../../servers/gcs-server.js';
import { BASE_PATH, type CliStore, sorted } from './store.js';

const BUCKET = 'test-bucket';
const PREFIX = `${BASE_PATH}/`;

export async function startCliGcs(): Promise<CliStore> {
  const server = await startGcsServer({ buckets: [BUCKET] });
  const proxy = await startFaultProxy(server);
  const bucket = new Storage({ apiEndpoint: server.endpoint, projectId: 'test' }).bucket(BUCKET);
  const names = () => [...server.bucket(BUCKET).objects.keys()].sort();
  const denied = { code: 403, message: 'Permission denied', errors: [{ reason: 'forbidden', domain: 'global' }] };
  return {
    kind: 'gcs',
    entry: {
      storage_type: 'gcs',
      info: { bucket: BUCKET, base_path: BASE_PATH, endpoint_url: proxy.endpoint, part_size: '1 MiB' },
    },
    shownBase: `gs://${BUCKET}/${BASE_PATH}`,
    proxy,
    objects: async () => {
      const [files] = await bucket.getFiles({ prefix: PREFIX });
      const published = files.filter(({ name }) => !name.includes('/.lakeport'));
      return sorted(
        await Promise.all(
          published.map(async (file): Promise<[string, Buffer]> => {
            const [content] = await file.download();
            return [file.name.slice(PREFIX.length), content];
          }),
        ),
      );
    },
    leftovers: () =>
      Promise.resolve([
        ...names().filter((name) => name.includes('/.lakeport')),
        ...[...server.uploads.sessions.values()].flatMap(({ done, name }) =>
          done === undefined ? [`upload of ${name}`] : [],
        ),
      ]),
    carriesPart: ({ method, url }) => method === 'PUT' && url.includes('upload_id='),
    publishesPart: ({ method, url }) => method === 'POST' && url.includes('/moveTo/'),
    deletes: ({ method, url }) => (method === 'DELETE' && !url.includes('upload_id=')) || url.includes('/moveTo/'),
    denial: {
      status: 403,
      body: JSON.stringify({ error: denied }),
      headers: { 'content-type': 'application/json' },
    },
    clear: () => {
      server.bucket(BUCKET).objects.clear();
      server.uploads.sessions.clear();
      return Promise.resolve();
    },
    drop: () => {
      server.dropBucket(BUCKET);
      return Promise.resolve();
    },
    stop: async () => {
      await proxy.stop();
      await server.stop();
    },
  };
}
