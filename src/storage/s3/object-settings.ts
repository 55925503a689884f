import type { ObjectCannedACL, ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3';

import type { S3Info } from './info.js';

/** Settings of every new object, with the API's names. */
export interface ObjectSettings {
  readonly ServerSideEncryption?: ServerSideEncryption;
  readonly SSEKMSKeyId?: string;
  readonly BucketKeyEnabled?: boolean;
  readonly ACL?: ObjectCannedACL;
  readonly Tagging?: string;
  readonly StorageClass?: StorageClass;
}

/**
 * Settings of small objects: manifests, `_SUCCESS`, a run's own objects. They stay in the default storage class: archives
 * could not be read back, and infrequent-access classes bill each object as 128 KiB.
 */
export function smallObjectSettings(info: S3Info): ObjectSettings {
  const { serverSideEncryption, sseKmsKeyId, sseBucketKeyEnabled, acl, tags } = info;
  return {
    ...(serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption }),
    ...(sseKmsKeyId === undefined ? {} : { SSEKMSKeyId: sseKmsKeyId }),
    ...(sseBucketKeyEnabled === undefined ? {} : { BucketKeyEnabled: sseBucketKeyEnabled }),
    // The store decides which names it accepts; the SDK's lists are Amazon's.
    ...(acl === undefined ? {} : { ACL: acl as ObjectCannedACL }),
    ...(Object.keys(tags).length === 0 ? {} : { Tagging: new URLSearchParams(tags).toString() }),
  };
}

/** Settings of parts. */
export function partSettings(info: S3Info): ObjectSettings {
  return {
    ...smallObjectSettings(info),
    // See above.
    ...(info.storageClass === undefined ? {} : { StorageClass: info.storageClass as StorageClass }),
  };
}

export function contentTypeOf(key: string): string {
  if (key.endsWith('.parquet') || key.endsWith('.tmp')) return 'application/vnd.apache.parquet';
  return key.endsWith('.json') ? 'application/json' : 'application/octet-stream';
}
