/** Limits of a block blob; Azure Storage documentation, "Scalability targets for Blob storage". */
export const MAX_BLOCKS = 50_000;
const MAX_BLOCK_BYTES = 4000 * 1024 * 1024;

const MEBIBYTE = 1024 * 1024;
/** Block sizes double after this many, so that a blob of unknown size stays within the limit. */
const DOUBLES_EVERY = 10_000;

/** Block sizes of one blob, which need not be equal. */
export class BlockSizes {
  readonly #first: number;

  /** @param expectedBytes the blob's expected size, if known */
  constructor(options: { readonly partSizeBytes: number; readonly expectedBytes?: number | undefined }) {
    const needed = Math.ceil((options.expectedBytes ?? 0) / MAX_BLOCKS / MEBIBYTE) * MEBIBYTE;
    this.#first = Math.max(1, options.partSizeBytes, needed);
  }

  /** Size in bytes of the block at that index, from 0. */
  at(index: number): number {
    return Math.min(MAX_BLOCK_BYTES, this.#first * 2 ** Math.floor(index / DOUBLES_EVERY));
  }
}

/**
 * Ids of the first `count` blocks. All blocks of a blob, including those left uncommitted by earlier writers, must have ids
 * of the same length; the nonce distinguishes them.
 * @param nonce 16 hexadecimal digits
 */
export function blockIds(nonce: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => blockId(nonce, index));
}

/** Base64, as the service requires. */
export function blockId(nonce: string, index: number): string {
  return Buffer.from(`lakeport-${nonce}-${String(index).padStart(7, '0')}`).toString('base64');
}
