import type { StorageEntry } from '../../auth/entries.js';
import type { NetworkSettings } from '../network-settings.js';

/** Environment variables with secrets that the SDK reads by itself. */
export const S3_SECRET_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

export type S3Entry = StorageEntry<S3Info>;

export interface S3Info extends NetworkSettings {
  readonly bucket: string;
  /** Segments separated by `/`, without leading or trailing slash; may be empty. */
  readonly basePath: string;
  /** Undefined if profile, environment or the bucket itself determine it. */
  readonly region: string | undefined;
  readonly credentials: S3Credentials;
  readonly endpointUrl: string | undefined;
  readonly forcePathStyle: boolean;
  readonly serverSideEncryption: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | undefined;
  readonly sseKmsKeyId: string | undefined;
  readonly sseBucketKeyEnabled: boolean | undefined;
  readonly s3Express: boolean;
  readonly storageClass: string | undefined;
  readonly acl: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** When to send checksum headers: `when_required` by default with an endpoint, `when_supported` without. */
  readonly requestChecksum: 'when_required' | 'when_supported';
}

export type S3Credentials =
  | { readonly kind: 'profile'; readonly profile: string }
  | {
      readonly kind: 'keys';
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken: string | undefined;
    }
  /** Environment, web identity, container, instance metadata. */
  | { readonly kind: 'default' };
