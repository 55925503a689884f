/**
 * Sizes of the parts of one multipart upload. Limits: "Amazon S3 multipart upload limits" in the Amazon S3 user guide.
 */

const MIB = 1024 * 1024;

/** Every part but the last one. */
export const MIN_PART_BYTES = 5 * MIB;
export const MAX_PARTS = 10_000;

/** An upload that comes out as expected takes half of the parts, which leaves room for one that does not. */
const PARTS_AS_EXPECTED = MAX_PARTS / 2;

/**
 * Past the expected size each part is this share of what has been sent. From 1,400 parts of 8 MiB on (11 GiB) sizes then
 * grow by a factor of 465 until part 10,000, past the 5 TiB that an object can have.
 */
const GROWTH = 1 / 1400;

export interface PartSizes {
  /** Size of the parts that come first, in bytes. */
  readonly first: number;
  /** @param sent bytes of all parts before this one */
  sizeAfter(sent: number): number;
}

export function partSizes(options: {
  /** What the entry asks for. */
  readonly partSizeBytes: number;
  /** Of the whole object; undefined where nothing is known. */
  readonly expectedBytes: number | undefined;
  /** For stores that want all parts of one size: then an object has its limit at 10,000 of them. */
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
