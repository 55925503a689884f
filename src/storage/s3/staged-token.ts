import { z } from 'zod';

import { readToken, stagedElsewhere } from '../staged-token.js';
import type { StagedPart } from '../storage.js';

/** A small part that is sent when it is published: it is stored in the token, in memory and in the run log. */
const inlineToken = z.object({
  kind: z.literal('inline'),
  /** Base64. */
  content: z.string(),
  provisional: z.boolean(),
});

/** A multipart upload with all of its parts, ready to be completed. */
const uploadToken = z.object({
  kind: z.literal('upload'),
  runId: z.string(),
  bucket: z.string(),
  key: z.string(),
  uploadId: z.string(),
  /** In the metadata of the resulting object, to distinguish it from others with the same name. */
  mark: z.string(),
  /** Whether the key is a hidden one. */
  provisional: z.boolean(),
  parts: z.array(z.object({ number: z.number().int(), etag: z.string(), crc32: z.string().optional() })),
});

const stagedToken = z.discriminatedUnion('kind', [inlineToken, uploadToken]);

export type InlineToken = z.infer<typeof inlineToken>;
export type UploadToken = z.infer<typeof uploadToken>;

/** User metadata of every object that came from a multipart upload of this program. */
export const MARK = 'lakeport-part';

/** @throws LakeportError if the part was staged in another bucket or another kind of store */
export function readS3Token(part: StagedPart, bucket: string): InlineToken | UploadToken {
  const token = readToken(part, stagedToken);
  if (token.kind === 'inline' || token.bucket === bucket) return token;
  throw stagedElsewhere(part, `The part of ${part.path} was staged in bucket ${token.bucket}, not in ${bucket}`);
}
