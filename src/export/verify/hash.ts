import { createHash } from 'node:crypto';

import type { StoredFile } from '../../storage/stored-file.js';

/** Read at once: large enough for stores with slow answers. */
const PIECE_BYTES = 8 << 20;

/**
 * SHA-256 of a whole file, in lower-case hex. The next piece is read while one is hashed.
 * @param onBytes called with the bytes of each piece
 */
export async function sha256Of(
  file: StoredFile,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<string> {
  const hash = createHash('sha256');
  const piece = (at: number) => file.read(at, Math.min(file.bytes, at + PIECE_BYTES));
  let coming = piece(0);
  for (let at = 0; at < file.bytes; at += PIECE_BYTES) {
    const content = await coming;
    signal.throwIfAborted();
    coming = piece(at + PIECE_BYTES);
    // Awaited in the next round, unless this one ends by an error.
    coming.catch(() => undefined);
    hash.update(content);
    onBytes(content.length);
  }
  return hash.digest('hex');
}
