import { z } from 'zod';

import { isPartPath } from '../lease/own-paths.js';

/** What publishing needs to know of a temporary object. */
export const gcsToken = z.object({
  /** Full name in the bucket. */
  object: z.string().refine((name) => isPartPath(hiddenPathOf(name))),
  /** Stands in the object's metadata, which go with it when it is moved. */
  nonce: z.string(),
});

export type GcsStaged = z.infer<typeof gcsToken>;

/** Path, relative to its base, of a temporary object: its last two segments. */
export function hiddenPathOf(object: string): string {
  return object.split('/').slice(-2).join('/');
}
