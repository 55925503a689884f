/** A run whose heartbeat is older than this has no process any more. */
export const SILENCE_SECONDS = 60;
