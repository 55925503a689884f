import { z } from 'zod';

import { isSafePath, nameOf } from '../path.js';
import { isTemporary } from './temporary-file.js';

/** The temporary file of a staged part, relative to the base. */
export const localToken = z.object({
  file: z.string().refine((file) => isSafePath(file) && isTemporary(nameOf(file))),
});
