/** A worker reads so much of a table's bytes in a second or less: what is smaller shares a job. */
const BUNDLE_BYTES = 64 << 20;
/** Slices of a bundle: what a lost worker costs, and how many reports arrive at once. */
const MOST_SLICES = 50;
/** Sums of fractions are not exact. */
const EPSILON = 1e-9;

/** The share of a job that a slice fills. @param bytes undefined if unknown: then it has a job of its own */
export function bundleWeight(bytes: number | undefined): number {
  return bytes === undefined ? 1 : Math.min(1, Math.max(1 / MOST_SLICES, bytes / BUNDLE_BYTES));
}

interface Weighted {
  readonly weight: number;
}

export interface Dealt<T> {
  readonly bundles: readonly (readonly T[])[];
  /** Wait for others to share a job with. */
  readonly left: readonly T[];
}

/**
 * Deals slices into jobs, in their order.
 * @param options.idle slots that have nothing to do: as long as there are some, slices are spread evenly over them
 * @param options.isShort whether workers will soon have nothing to do: otherwise, a bundle waits until it is full
 */
export function dealBundles<T extends Weighted>(
  slices: readonly T[],
  { idle, isShort }: { readonly idle: number; readonly isShort: boolean },
): Dealt<T> {
  let ahead = slices.reduce((sum, { weight }) => sum + weight, 0);
  const jobs = isShort ? Math.max(idle, Math.ceil(ahead - EPSILON)) : 0;
  const bundles: T[][] = [];
  let bundle: T[] = [];
  let filled = 0;
  // What is left is shared among the jobs that are left.
  const share = () => Math.min(1, ahead / Math.max(1, jobs - bundles.length)) + EPSILON;
  let most = share();
  for (const slice of slices) {
    if (bundle.length > 0 && filled + slice.weight > most) {
      bundles.push(bundle);
      ahead -= filled;
      [bundle, filled, most] = [[], 0, share()];
    }
    bundle.push(slice);
    filled += slice.weight;
  }
  if (bundle.length === 0) return { bundles, left: [] };
  // Another one of the least weight would not fit.
  const isFull = filled + 1 / MOST_SLICES > 1 + EPSILON;
  return isShort || isFull ? { bundles: [...bundles, bundle], left: [] } : { bundles, left: bundle };
}
