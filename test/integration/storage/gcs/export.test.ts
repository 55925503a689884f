import { Storage as GoogleClient } from '@google-cloud/storage';
import { describe } from 'vitest';

import { type GcsServer, startGcsServer } from '../../../servers/gcs-server.js';
import { describeExports } from '../../../harness/store-exports.js';

const BUCKET = 'test-bucket';
const REFUSAL = { code: 403, message: 'no storage.objects.create', errors: [{ reason: 'forbidden' }] };

let server: GcsServer;

function official() {
  return new GoogleClient({ apiEndpoint: server.endpoint, projectId: 'test' }).bucket(BUCKET);
}

describe('exports to Cloud Storage', () => {
  describeExports({
    start: async () => {
      server = await startGcsServer({ buckets: [BUCKET] });
    },
    stop: () => server.stop(),
    port: () => server.port,
    renew: async () => {
      await official().deleteFiles();
    },
    entry: (endpoint) => ({ storage_type: 'gcs', info: { bucket: BUCKET, endpoint_url: endpoint } }),
    names: async () => (await official().getFiles())[0].map(({ name }) => name),
    read: async (name) => (await official().file(name).download())[0],
    isPartOfLarge: ({ method, url }) => method === 'PUT' && url.includes('upload_id='),
    denial: {
      kind: 'answer',
      status: 403,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: REFUSAL }),
    },
    denialCode: 'GCS_ACCESS_DENIED',
    // The part and its move, a look at the place, the manifest, _SUCCESS.
    requests: { perTable: 5, perRun: 7 },
  });
});
