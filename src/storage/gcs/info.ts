import type { StorageEntry } from '../../auth/entries.js';
import type { NetworkSettings } from '../network-settings.js';

export type GcsEntry = StorageEntry<GcsInfo>;

export interface GcsInfo extends NetworkSettings {
  readonly bucket: string;
  /** Segments separated by `/`, none in front or behind; empty for none. */
  readonly basePath: string;
  readonly projectId: string | undefined;
  readonly credentials: GcsCredentials;
  readonly endpointUrl: string | undefined;
}

type GcsCredentials =
  /** A key file; what is in it is checked where it is used. */
  | { readonly kind: 'file'; readonly path: string }
  /** The key file's JSON, given in the entry itself. */
  | { readonly kind: 'key'; readonly key: ServiceAccountKey }
  /** Application default credentials. */
  | { readonly kind: 'default' };

/** The fields of a Google service account's key that must be there; others stay in it. */
export interface ServiceAccountKey {
  readonly type: 'service_account';
  readonly client_email: string;
  readonly private_key: string;
  readonly [field: string]: unknown;
}
