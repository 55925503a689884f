import { BlobServiceClient } from '@azure/storage-blob';

import { startAzurite } from '../../servers/azurite.js';
import { startFaultProxy } from '../../servers/fault-proxy.js';
import { BASE_PATH, type CliStore, sorted } from './store.js';

const CONTAINER = 'exports';
const PREFIX = `${BASE_PATH}/`;

export async function startCliAzure(): Promise<CliStore> {
  const azurite = await startAzurite();
  const proxy = await startFaultProxy(azurite);
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(CONTAINER);
  await container.create();
  const names = async (options: { readonly uncommitted: boolean }) => {
    const found: string[] = [];
    const listing = container.listBlobsFlat({ prefix: PREFIX, includeUncommitedBlobs: options.uncommitted });
    for await (const { name } of listing) found.push(name);
    return found;
  };
  return {
    kind: 'azure',
    entry: {
      storage_type: 'azure',
      info: {
        account_name: azurite.account,
        account_key: azurite.key,
        container: CONTAINER,
        base_path: BASE_PATH,
        endpoint_url: `${proxy.endpoint}/${azurite.account}`,
        part_size: '1 MiB',
      },
    },
    shownBase: `${proxy.endpoint}/${azurite.account}/${CONTAINER}/${BASE_PATH}`,
    proxy,
    objects: async () => {
      const published = (await names({ uncommitted: false })).filter((name) => !name.includes('/.lakeport'));
      return sorted(
        await Promise.all(
          published.map(async (name): Promise<[string, Buffer]> => {
            return [name.slice(PREFIX.length), await container.getBlobClient(name).downloadToBuffer()];
          }),
        ),
      );
    },
    // Blocks at a part's own place are invisible, and can't be taken back.
    leftovers: async () => (await names({ uncommitted: true })).filter((name) => name.includes('/.lakeport')),
    carriesPart: ({ method, url }) => method === 'PUT' && /[?&]comp=block(?:&|$)/.test(url),
    publishesPart: ({ method, url }) => method === 'PUT' && url.includes('comp=blocklist') && url.includes('part-'),
    deletes: ({ method }) => method === 'DELETE',
    denial: {
      status: 403,
      body: '<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>This request is not authorized to perform this operation using this permission.</Message></Error>',
      headers: {
        'content-type': 'application/xml',
        'x-ms-error-code': 'AuthorizationPermissionMismatch',
        'x-ms-request-id': 'test',
      },
    },
    clear: async () => {
      for (const name of await names({ uncommitted: false })) await container.deleteBlob(name);
    },
    drop: async () => {
      await container.delete();
    },
    stop: async () => {
      await proxy.stop();
      await azurite.stop();
    },
  };
}
