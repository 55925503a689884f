/** Limits of a block blob; Azure Storage documentation, "Scalability targets for Blob storage". */
export const MAX_BLOCKS = 50_000;
const MAX_BLOCK_BYTES = 4000 * 1024 * 1024;

const MEBIBYTE = 1024 * 1024;
/** After so many blocks they double in size, so that no blob runs out of them whose size nobody foretold. */
const DOUBLES_EVERY = 10_000;

/** How large the blocks of one blob are. They need not be equal. */
export class BlockSizes {
  readonly #first: number;

  /** @param expectedBytes how large the blob may get, where that is known */
  constructor(options: { readonly partSizeBytes: number; readonly expectedBytes?: number | undefined }) {
    const needed = Math.ceil((options.expectedBytes ?? 0) / MAX_BLOCKS / MEBIBYTE) * MEBIBYTE;
    this.#first = Math.max(1, options.partSizeBytes, needed);
  }

  /** Bytes of the block of that index, counted from 0. */
  at(index: number): number {
    return Math.min(MAX_BLOCK_BYTES, this.#first * 2 ** Math.floor(index / DOUBLES_EVERY));
  }
}

/**
 * Ids of the first `count` blocks. All blocks of a blob, those that earlier writers left uncommitted included, must have
 * ids of one length; the nonce keeps them apart.
 * @param nonce 16 hexadecimal digits
 */
export function blockIds(nonce: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => blockId(nonce, index));
}

/** Base64, as the service wants it. */
export function blockId(nonce: string, index: number): string {
  return Buffer.from(`lakeport-${nonce}-${String(index).padStart(7, '0')}`).toString('base64');
}
