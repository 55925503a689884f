import { afterAll, expect } from 'vitest';

import { removeStateDirectory } from './cli.js';

// A module's own `afterAll` would count for the first file of a process only.
afterAll(removeStateDirectory);

/** Bytes at once: by itself Vitest compares them one by one, which takes seconds for a file of some megabytes. */
function equalBytes(a: unknown, b: unknown): boolean | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
  const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  // Other bytes may be equal numbers still.
  return bytes(a).equals(bytes(b)) ? true : undefined;
}
expect.addEqualityTesters([equalBytes]);
