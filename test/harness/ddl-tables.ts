import type { Place } from '../../src/storage/storage.js';

const key = 'lake/daily/public/orders';

/** A directory in each kind of storage. */
export const PLACES = {
  local: { kind: 'local', path: `/data/${key}` },
  s3: { kind: 's3', bucket: 'bucket', key, endpoint: undefined, region: 'eu-west-1' },
  gcs: { kind: 'gcs', bucket: 'bucket', key, service: 'https://storage.googleapis.com' },
  azure: { kind: 'azure', service: 'https://account.blob.core.windows.net', container: 'files', key },
} as const satisfies { readonly [Kind in Place['kind']]: Place };
