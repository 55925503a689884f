import { z } from 'zod';

import { isSafePath } from '../path.js';

/** What publishing needs to know about uncommitted blocks. */
export const azureToken = z.object({
  /** Path, relative to the base, of the blob that the blocks belong to: the part's path, or a hidden blob. */
  blob: z.string().refine(isSafePath),
  /** In the ids of the blocks, and later in the blob's metadata. */
  nonce: z.string(),
  blocks: z.number(),
});

export type AzureStaged = z.infer<typeof azureToken>;
