import { LakeportError } from '../../errors.js';
import { type RetryPolicy, withRetry } from '../../runtime/retry.js';
import { isSameServer, type Snapshot, type Source } from '../../sources/source.js';
import type { RunObserver } from '../model/observer.js';
import type { SnapshotKeepers } from '../planning/planning-context.js';

export interface TakeoverOptions {
  readonly source: Source;
  readonly keepers?: SnapshotKeepers | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/**
 * Holds a lost snapshot again, on a new connection of the source, if other sessions have held it all the time.
 * Never rejects.
 * @returns the snapshot, by the session that holds it now; undefined if nobody holds it, or that is not certain
 */
export async function takeOverSnapshot(lost: Snapshot, options: TakeoverOptions): Promise<Snapshot | undefined> {
  const { source, retry: policy, observer, signal } = options;
  if (signal.aborted) return undefined;
  // The new session has lost nothing yet.
  const why = lossOf(source);
  const fields = lossFields(source);
  let taken: Snapshot | undefined;
  try {
    taken = await withRetry(() => takeOnce(lost, options), { policy, signal, observer });
  } catch (error) {
    const { code, message } = LakeportError.from(error);
    observer.message?.('debug', `The snapshot cannot be taken over: ${message}`, { code });
  }
  if (taken?.token === undefined) return undefined;
  const snapshot = { ...lost, token: taken.token };
  observer.snapshotTakenOver?.({ server: source.server, snapshot });
  const text = `${why}: the run goes on in the same one, which others have held meanwhile`;
  observer.message?.('warning', text, { event: 'snapshot_taken_over', ...fields });
  return snapshot;
}

async function takeOnce(lost: Snapshot, { source, keepers, signal }: TakeoverOptions): Promise<Snapshot | undefined> {
  const { server } = source;
  if (keepers === undefined || lost.moment === undefined || source.takeOver === undefined) return undefined;
  const held = (await keepers.held()).filter(({ snapshot }) => snapshot.moment === lost.moment);
  if (held.length === 0) return undefined;
  await source.reopen?.({ signal, instance: server.instance });
  const there = held.filter((one) => isSameServer(one.server, source.server));
  return source.takeOver(there.map(({ snapshot }) => snapshot));
}

/** That the connection was lost, with the reason where it is known. */
export function lossOf({ loss }: Pick<Source, 'loss'>): string {
  const why = loss === undefined ? '' : ` (${loss.message})`;
  return `The connection that held the snapshot was lost${why}`;
}

/** Of the reason, for the event log. */
export function lossFields({ loss }: Pick<Source, 'loss'>): Readonly<Record<string, string>> {
  if (loss === undefined) return {};
  return { code: loss.code, ...(loss.hint !== undefined && { hint: loss.hint }) };
}
