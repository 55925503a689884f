/** Errors of a reader that cannot use the run's snapshot: it may be gone, and the server's start since then be why. */
export const SNAPSHOT_UNUSABLE: ReadonlySet<string> = new Set(['SNAPSHOT_NOT_FOUND', 'SOURCE_OTHER_SERVER']);
