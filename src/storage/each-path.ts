import pLimit from 'p-limit';

/** Maximum number of concurrent requests for single objects. */
const AT_ONCE = 16;

/** For stores that remove or inspect one object per request. */
export async function forEachPath(paths: Iterable<string>, request: (path: string) => Promise<void>): Promise<void> {
  const limit = pLimit(AT_ONCE);
  await Promise.all(Array.from(paths, (path) => limit(() => request(path))));
}
