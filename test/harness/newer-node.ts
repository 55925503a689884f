import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { loadQueueLibrary } from '../../src/fleet/load-queue.js';

/** Where `.ci/run` has a Node.js that can load the queue's library. */
const GIVEN = process.env['LAKEPORT_TEST_NEWER_NODE'];

/** The library, which npm leaves out where Node.js is too old for it. */
const LIBRARY = fileURLToPath(new URL('../../node_modules/pg-boss/package.json', import.meta.url));

/** A Node.js for workers on other machines, and why there is none. */
export async function newerNode(): Promise<{ readonly node: string } | { readonly missing: string }> {
  if (!existsSync(LIBRARY)) return { missing: 'pg-boss is not installed' };
  if (GIVEN !== undefined && existsSync(GIVEN)) return { node: GIVEN };
  try {
    await loadQueueLibrary();
    return { node: process.execPath };
  } catch {
    return { missing: 'Node.js 22.12 or later; LAKEPORT_TEST_NEWER_NODE is not set' };
  }
}
