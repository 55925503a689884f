/** Relations per statement; each statement has a savepoint. */
const BATCH = 500;

/**
 * Does something with many relations at a time, and where that fails with fewer and fewer of them, down to one.
 * @param attempt what to do with a batch; returns whether it succeeded
 */
export async function inBatches<T>(
  items: readonly T[],
  attempt: (batch: readonly T[]) => Promise<boolean>,
): Promise<void> {
  for (let start = 0; start < items.length; start += BATCH) await bisect(items.slice(start, start + BATCH), attempt);
}

async function bisect<T>(batch: readonly T[], attempt: (batch: readonly T[]) => Promise<boolean>): Promise<void> {
  if ((await attempt(batch)) || batch.length === 1) return;
  const middle = batch.length >> 1;
  await bisect(batch.slice(0, middle), attempt);
  await bisect(batch.slice(middle), attempt);
}
