import { createHash } from 'node:crypto';

import { type Algorithm, header, type Headers } from './checksums.js';
import { Refusal } from './refusal.js';

export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
  /** Headers of the request that made it, those that S3 keeps. */
  readonly kept: Readonly<Record<string, string>>;
  readonly checksums: Partial<Record<Algorithm, string>> | Record<string, string>;
  readonly modified: Date;
}

export interface UploadPart {
  readonly body: Buffer;
  readonly etag: string;
  readonly checksums: Partial<Record<Algorithm, string>>;
}

export interface PendingUpload {
  readonly bucket: string;
  readonly key: string;
  readonly kept: Readonly<Record<string, string>>;
  readonly algorithm: Algorithm | undefined;
  readonly initiated: Date;
  readonly parts: Map<number, UploadPart>;
}

/** All that a server holds. Tests may look at it, and change it behind the clients' backs. */
export class Store {
  readonly buckets = new Map<string, Map<string, StoredObject>>();
  readonly uploads = new Map<string, PendingUpload>();

  bucket(name: string): Map<string, StoredObject> {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw new Refusal(404, 'NoSuchBucket', { elements: { BucketName: name } });
    return bucket;
  }
}

const STORAGE_CLASSES = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]);

const KEPT =
  /^(?:content-type|content-disposition|content-language|cache-control|expires|x-amz-meta-.*|x-amz-storage-class|x-amz-server-side-encryption.*|x-amz-tagging|x-amz-acl)$/;

export function keptHeaders(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of Object.keys(headers)) if (KEPT.test(name)) kept[name] = header(headers, name)!;
  const storageClass = kept['x-amz-storage-class'];
  if (storageClass !== undefined && !STORAGE_CLASSES.has(storageClass)) throw new Refusal(400, 'InvalidStorageClass');
  return kept;
}

/** Of the kept headers those that answers repeat. */
export function encryptionHeaders(kept: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(kept).filter(([name]) => name.startsWith('x-amz-server-side')));
}

export function checksumHeaders(checksums: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(checksums).map(([algorithm, value]) => [`x-amz-checksum-${algorithm}`, value ?? '']),
  );
}

export function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
