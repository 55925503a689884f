import { randomBytes } from 'node:crypto';

import type { BlockBlobClient } from '@azure/storage-blob';

import type { CopySource } from './account.js';
import { blockId } from './blocks.js';

/** Largest blob that the service copies synchronously; Azure Storage REST API, "Copy Blob From URL". */
const MAX_STEP_BYTES = 256 * 1024 * 1024;

export interface BlobDescription {
  readonly blobHTTPHeaders: { readonly blobContentType: string };
  readonly metadata?: Record<string, string>;
}

interface CopyTarget {
  readonly blob: BlockBlobClient;
  readonly properties: BlobDescription;
  /** Conditions on the blob at the destination. */
  readonly conditions?: { readonly ifMatch?: string; readonly ifNoneMatch?: string };
}

/**
 * Copies a blob within the service atomically. The service's own copy of large blobs is not atomic: it shows an
 * unreadable blob until the copy is complete.
 */
export async function copyBlob(source: CopySource, target: CopyTarget, bytes: number): Promise<void> {
  const { blob, properties, ...conditions } = target;
  const { url, ...authorization } = source;
  if (bytes <= MAX_STEP_BYTES) {
    await blob.syncCopyFromURL(url, { ...authorization, ...conditions });
    return;
  }
  const nonce = randomBytes(8).toString('hex');
  const ids: string[] = [];
  for (let offset = 0; offset < bytes; offset += MAX_STEP_BYTES) {
    const id = blockId(nonce, ids.length);
    await blob.stageBlockFromURL(id, url, offset, Math.min(MAX_STEP_BYTES, bytes - offset), authorization);
    ids.push(id);
  }
  await blob.commitBlockList(ids, { ...properties, ...conditions });
}
