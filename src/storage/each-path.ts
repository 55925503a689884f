import pLimit from 'p-limit';

/** Requests for single objects on their way at the same time, where there are many. */
const AT_ONCE = 16;

/** For stores that remove or look at one object by each request. */
export async function forEachPath(paths: Iterable<string>, request: (path: string) => Promise<void>): Promise<void> {
  const limit = pLimit(AT_ONCE);
  await Promise.all(Array.from(paths, (path) => limit(() => request(path))));
}
