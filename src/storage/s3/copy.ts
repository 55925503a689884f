import pLimit from 'p-limit';

import type { Replaced } from '../storage.js';
import type { S3Bucket } from './bucket.js';
import type { WriteCondition } from './conditions.js';
import type { ObjectFacts } from './object-facts.js';
import type { S3Operation } from './operation.js';
import type { NewObject } from './requests.js';
import type { Upload, UploadedPart } from './uploads.js';

/** From this size on, copies are made in parallel pieces. One request may copy 5 GiB, but takes minutes. */
const PIECE_BYTES = 512 * 1024 * 1024;
const PIECES_AT_ONCE = 8;

export interface CopyOptions {
  readonly bucket: S3Bucket;
  readonly from: { readonly key: string; readonly bytes: number };
  readonly to: NewObject;
  /** What it may replace; undefined for anything. */
  readonly replaces: Replaced | undefined;
  /** Whether the object at the destination is the copy. */
  readonly isOwn: (facts: ObjectFacts) => boolean;
  /** Called with the upload of a copy in pieces. */
  readonly note: (upload: Upload) => Promise<void>;
  readonly pieceBytes?: number;
}

/**
 * Copies an object inside the bucket, metadata included, without transferring its bytes.
 * @throws LakeportError `TARGET_CHANGED`
 */
export async function copyObject(options: CopyOptions): Promise<void> {
  const { bucket, from, to, note, pieceBytes = PIECE_BYTES } = options;
  if (from.bytes <= pieceBytes) {
    const copy = (condition: WriteCondition) => bucket.objects.copyOnce(from.key, to, condition);
    await publish(options, 'CopyObject', copy);
    return;
  }
  const upload = await bucket.uploads.create(to);
  try {
    await note(upload);
    const pieces = await copyPieces(options, upload, pieceBytes);
    const complete = (condition: WriteCondition) => bucket.uploads.completeOnce(upload, pieces, condition);
    await publish(options, 'CompleteMultipartUpload', complete);
  } catch (error) {
    await bucket.uploads.abort(upload).catch(() => undefined);
    throw error;
  }
}

/** The request that makes the copy visible. */
async function publish(
  { bucket, to, replaces, isOwn }: CopyOptions,
  operation: S3Operation,
  send: (condition: WriteCondition) => Promise<void>,
): Promise<void> {
  const { requests, objects } = bucket;
  await requests.send(operation, to.key, () =>
    objects.conditions.write({
      kind: 'copy',
      shown: requests.display(to.key),
      replaces,
      send,
      look: () => objects.head(to.key),
      isDone: (there) => there !== undefined && isOwn(there),
    }),
  );
}

async function copyPieces({ bucket, from }: CopyOptions, upload: Upload, pieceBytes: number): Promise<UploadedPart[]> {
  const limit = pLimit({ concurrency: PIECES_AT_ONCE, rejectOnClear: true });
  const pieces = Array.from({ length: Math.ceil(from.bytes / pieceBytes) }, (_, index) => {
    const first = index * pieceBytes;
    const last = Math.min(first + pieceBytes, from.bytes) - 1;
    return limit(() => bucket.uploads.copyPart(upload, { number: index + 1, from: from.key, first, last }));
  });
  try {
    return await Promise.all(pieces);
  } catch (error) {
    // The upload can only be aborted once nothing more is added to it.
    limit.clearQueue();
    await Promise.allSettled(pieces);
    throw error;
  }
}
