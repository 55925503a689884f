import { z } from 'zod';

import { isPartPath } from '../lease/own-paths.js';

/** What publishing needs to know about a temporary object. */
export const gcsToken = z.object({
  /** Full name in the bucket. */
  object: z.string().refine((name) => isPartPath(hiddenPathOf(name))),
  /** In the object's metadata, which are kept when it is moved. */
  nonce: z.string(),
});

export type GcsStaged = z.infer<typeof gcsToken>;

/** Path of a temporary object relative to its base: its last two segments. */
export function hiddenPathOf(object: string): string {
  return object.split('/').slice(-2).join('/');
}
