import { bucketUrl } from '../directory-url.js';
import type { Store } from '../store.js';
import type { GcsInfo } from './info.js';

/** Google Cloud Storage. */
export const gcs: Store<GcsInfo> = {
  name: 'gcs',
  types: { gcs: {} },
  schemes: ['gs', 'gcs'],
  host: /(?:^|\.)storage\.(?:googleapis|cloud\.google)\.com$/i,
  fields: async () => (await import('./auth-fields.js')).gcsFields,
  address: ({ bucket, basePath }) => bucketUrl('gs', bucket, basePath),
  endpoint: ({ endpointUrl }) => endpointUrl,
  open: async (entry) => (await import('./index.js')).openGcsStorage(entry),
};
