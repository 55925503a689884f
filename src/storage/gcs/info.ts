import type { StorageEntry } from '../../auth/entries.js';
import type { NetworkSettings } from '../network-settings.js';

export type GcsEntry = StorageEntry<GcsInfo>;

export interface GcsInfo extends NetworkSettings {
  readonly bucket: string;
  /** Segments separated by `/`, without leading or trailing slash; may be empty. */
  readonly basePath: string;
  readonly projectId: string | undefined;
  readonly credentials: GcsCredentials;
  readonly endpointUrl: string | undefined;
}

type GcsCredentials =
  /** A key file; its content is validated on use. */
  | { readonly kind: 'file'; readonly path: string }
  /** The key file's JSON, given in the entry itself. */
  | { readonly kind: 'key'; readonly key: ServiceAccountKey }
  /** Application default credentials. */
  | { readonly kind: 'default' };

/** The required fields of a Google service account's key; others are kept. */
export interface ServiceAccountKey {
  readonly type: 'service_account';
  readonly client_email: string;
  readonly private_key: string;
  readonly [field: string]: unknown;
}
