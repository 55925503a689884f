import { setTimeout } from 'node:timers/promises';
import { LakeportError } from '../errors.js';

/**
 * Retries while a server may still be starting: an unresolved name, a port without a listener, or a server that says so
 * itself. A wrong address looks the same, so this ends after `connect_timeout`.
 */

/** Errors of a server that is about to come up. */
const STARTING = new Set([
  'SOURCE_REFUSED',
  'SOURCE_HOST_UNKNOWN',
  'SOURCE_STARTING',
  'SOURCE_TOO_MANY_CONNECTIONS',
  'SOURCE_FAILING_OVER',
]);

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

export interface PatienceOptions {
  /** For all attempts together. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once, when the waiting starts. */
  readonly onWait?: ((message: string, error: LakeportError) => void) | undefined;
}

/** Connects, with retries while the server may be starting. @throws the last error, with the number of attempts and the time */
export async function withPatience<T>(
  { timeoutMs, signal, onWait }: PatienceOptions,
  connect: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  for (let made = 1; ; made++) {
    try {
      return await connect();
    } catch (thrown) {
      if (!(thrown instanceof LakeportError) || !thrown.transient || !STARTING.has(thrown.code)) throw thrown;
      const passed = performance.now() - startedAt;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** (made - 1), LONGEST_WAIT_MS);
      if (passed + wait >= timeoutMs || signal?.aborted === true) throw exhausted(thrown, made, passed);
      if (made === 1) onWait?.(`${thrown.message}; retrying for ${seconds(timeoutMs)} ("connect_timeout")`, thrown);
      await setTimeout(wait, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** After waiting this long, a caller's own retries would be pointless. */
function exhausted(error: LakeportError, attempts: number, passedMs: number): LakeportError {
  if (attempts === 1) return new LakeportError({ ...error.toData(), transient: false, cause: error.cause });
  return new LakeportError({
    ...error.toData(),
    message: `${error.message} (${attempts} attempts within ${seconds(passedMs)})`,
    transient: false,
    cause: error.cause,
  });
}

function seconds(ms: number): string {
  return `${ms < 10_000 ? Number((ms / 1000).toFixed(1)) : Math.round(ms / 1000)} s`;
}
