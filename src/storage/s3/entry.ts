import { bucketUrl } from '../directory-url.js';
import type { Store } from '../store.js';
import { S3_SECRET_VARIABLES, type S3Info } from './info.js';

/** Amazon S3, and stores with the same API. */
export const s3: Store<S3Info> = {
  name: 's3',
  types: { s3: {} },
  typeSuffix: '_s3',
  schemes: ['s3', 's3a', 's3n'],
  host: /(?:^|\.)s3[.-]/i,
  secretVariables: S3_SECRET_VARIABLES,
  fields: async () => (await import('./auth-fields.js')).s3Fields,
  address: ({ bucket, basePath }) => bucketUrl('s3', bucket, basePath),
  endpoint: ({ endpointUrl }) => endpointUrl,
  open: async (entry) => (await import('./index.js')).openS3Storage(entry),
};
