/**
 * Sizes of the parts of one multipart upload. Limits: "Amazon S3 multipart upload limits" in the Amazon S3 user guide.
 */

const MIB = 1024 * 1024;

/** Applies to every part but the last one. */
export const MIN_PART_BYTES = 5 * MIB;
export const MAX_PARTS = 10_000;

/** An upload of the expected size uses half of the parts, which leaves room for one that is larger. */
const PARTS_AS_EXPECTED = MAX_PARTS / 2;

/**
 * Past the expected size each part is this fraction of what has been sent. From 1,400 parts of 8 MiB on (11 GiB) sizes
 * grow by a factor of 465 until part 10,000, which exceeds the 5 TiB limit of an object.
 */
const GROWTH = 1 / 1400;

export interface PartSizes {
  /** Size of the first parts, in bytes. */
  readonly first: number;
  /** @param sent bytes of all parts before this one */
  sizeAfter(sent: number): number;
}

export function partSizes(options: {
  /** From the entry. */
  readonly partSizeBytes: number;
  /** Size of the whole object; undefined if unknown. */
  readonly expectedBytes: number | undefined;
  /** For stores that require equal part sizes, which limits an object to 10,000 of them. */
  readonly uniform: boolean;
}): PartSizes {
  const { partSizeBytes, expectedBytes = 0, uniform } = options;
  const first = wholeMebibytes(Math.max(partSizeBytes, MIN_PART_BYTES, expectedBytes / PARTS_AS_EXPECTED));
  return {
    first,
    sizeAfter: (sent) => (uniform || sent < expectedBytes ? first : Math.max(first, wholeMebibytes(sent * GROWTH))),
  };
}

function wholeMebibytes(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}
