/** A run whose heartbeat is older than this has no process any more. */
export const SILENCE_SECONDS = 60;

/** A worker, or a coordinator, that has not been heard of for so long is gone, or cannot reach the log. */
export const WORKER_SILENCE_SECONDS = 15;
