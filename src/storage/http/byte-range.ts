import type { ByteRange } from '../storage.js';

/** The value of a `Range` header (RFC 9110, section 14.1.2). */
export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end === undefined ? '' : end - 1}`;
}
