import { randomBytes } from 'node:crypto';

import { BlobServiceClient } from '@azure/storage-blob';
import { describe } from 'vitest';

import { type Azurite, startAzurite } from '../../../servers/azurite.js';
import { describeExports } from '../../../harness/store-exports.js';

let azurite: Azurite;
let container: string;

function official() {
  return BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(container);
}

describe('exports to Azure', () => {
  describeExports({
    start: async () => {
      azurite = await startAzurite();
    },
    stop: () => azurite.stop(),
    port: () => azurite.port,
    renew: async () => {
      container = `c-${randomBytes(6).toString('hex')}`;
      await official().create();
    },
    entry: (endpoint) => ({
      storage_type: 'azure',
      info: { account_name: azurite.account, account_key: azurite.key, container, endpoint_url: endpoint },
    }),
    names: async () => {
      const names: string[] = [];
      for await (const { name } of official().listBlobsFlat()) names.push(name);
      return names;
    },
    read: (name) => official().getBlockBlobClient(name).downloadToBuffer(),
    isPartOfLarge: ({ method, url }) => method === 'PUT' && url.includes('/large/') && url.includes('comp=block&'),
    denial: {
      kind: 'answer',
      status: 403,
      headers: { 'x-ms-request-id': 'fault', 'x-ms-error-code': 'AuthorizationPermissionMismatch' },
    },
    denialCode: 'AZURE_ACCESS_DENIED',
    // The part's block and its commit, a look at the place, the manifest, _SUCCESS.
    requests: { perTable: 5, perRun: 7 },
  });
});
