import { setTimeout } from 'node:timers/promises';
import { LakeportError } from '../errors.js';

/**
 * Patience with a server that is just starting: a name that is not known yet, a port that nobody listens at, a server
 * that says so itself. A wrong address can't be told from it, so the patience is that of `connect_timeout`, and no more.
 */

/** What a server that comes up in a moment looks like. */
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
  /** Of all attempts together. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Is told once, when the waiting begins. */
  readonly onWait?: ((message: string) => void) | undefined;
}

/** Connects, more than once where the server may just be starting. @throws the last error, which says how often and how long */
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
      if (made === 1) onWait?.(`${thrown.message}; trying again for ${seconds(timeoutMs)} ("connect_timeout")`);
      await setTimeout(wait, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Whoever has waited for so long need not begin anew. */
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
