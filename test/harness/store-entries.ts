import type { NetworkSettings } from '../../src/storage/network-settings.js';
import type { GcsEntry, GcsInfo } from '../../src/storage/gcs/info.js';
import type { AzureEntry, AzureInfo } from '../../src/storage/azure/info.js';

/** Entries as the auth file's reader gives them, with patience that suits servers on this machine. */
const NETWORK: NetworkSettings = {
  timeoutMs: 5_000,
  connectTimeoutMs: 2_000,
  maxRetries: 3,
  proxyUrl: undefined,
  proxyExcludes: [],
  proxyCaCertificate: undefined,
  caCertificate: undefined,
  allowHttp: false,
  allowInvalidCertificates: false,
  partSizeBytes: 256 * 1024,
  uploadConcurrency: 4,
  userAgent: undefined,
};

export function gcsEntry(info: Partial<GcsInfo>): GcsEntry {
  return {
    kind: 'storage',
    id: 'lake',
    storageType: 'gcs',
    info: {
      ...NETWORK,
      bucket: 'test-bucket',
      basePath: 'base/exports',
      projectId: undefined,
      credentials: { kind: 'default' },
      endpointUrl: undefined,
      ...info,
    },
  };
}

export function azureEntry(info: Partial<AzureInfo>): AzureEntry {
  return {
    kind: 'storage',
    id: 'lake',
    storageType: 'azure',
    info: {
      ...NETWORK,
      accountName: undefined,
      container: 'test-container',
      basePath: 'base/exports',
      credentials: { kind: 'default' },
      endpointUrl: undefined,
      useEmulator: false,
      useFabricEndpoint: false,
      ...info,
    },
  };
}
