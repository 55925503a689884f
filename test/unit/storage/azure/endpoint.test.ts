import { describe, expect, it } from 'vitest';

import type { AzureInfo } from '../../../../src/storage/azure/info.js';
import { accountEndpoint } from '../../../../src/storage/azure/endpoint.js';
import { azureEntry } from '../../../harness/store-entries.js';

function address(info: Partial<AzureInfo>): string {
  return accountEndpoint(azureEntry(info)).href;
}

describe("the address of an account's blobs", () => {
  it.each<[string, Partial<AzureInfo>, string]>([
    ['follows from its name', { accountName: 'lake' }, 'https://lake.blob.core.windows.net/'],
    [
      'is the given one',
      { accountName: 'lake', endpointUrl: 'https://lake.blob.core.chinacloudapi.cn/' },
      'https://lake.blob.core.chinacloudapi.cn/',
    ],
    [
      'is that of blobs where that of directories is given',
      { accountName: 'lake', endpointUrl: 'https://lake.dfs.core.windows.net' },
      'https://lake.blob.core.windows.net/',
    ],
    ['is one for all of OneLake', { useFabricEndpoint: true }, 'https://onelake.blob.fabric.microsoft.com/'],
    [
      'is that of blobs in OneLake too',
      { useFabricEndpoint: true, endpointUrl: 'https://onelake.dfs.fabric.microsoft.com' },
      'https://onelake.blob.fabric.microsoft.com/',
    ],
    ['of the emulator has the account in its path', { useEmulator: true }, 'http://127.0.0.1:10000/devstoreaccount1'],
    [
      'of an emulator elsewhere has the account in its path',
      { accountName: 'lake', endpointUrl: 'http://localhost:1234' },
      'http://localhost:1234/lake',
    ],
    [
      'of an emulator is taken as it is where it has a path',
      { accountName: 'lake', endpointUrl: 'http://127.0.0.1:1234/other' },
      'http://127.0.0.1:1234/other',
    ],
  ])('%s', (_what, info, expected) => {
    expect(address(info)).toBe(expected);
  });
});
