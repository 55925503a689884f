import path from 'node:path';

import { LocalStorage } from './local-storage.js';
import { seemsToFoldNames } from './name-rules.js';

/** Opens a local directory as a storage. `prepare` creates the directory. */
export async function openLocalStorage(options: {
  readonly id: string;
  /** Absolute, or relative to the working directory. */
  readonly directory: string;
}): Promise<LocalStorage> {
  const base = path.resolve(options.directory);
  return new LocalStorage({
    id: options.id,
    base,
    shownBase: options.directory,
    ignoresCase: await seemsToFoldNames(base),
  });
}
