import type { AuthEntry, DatabaseEntry, StorageEntry } from '../../auth/entries.js';
import { LakeportError } from '../../errors.js';
import { entryAddress } from '../../auth-file.js';

/** The result of testing one entry of the auth file. */
export interface EntryCheck {
  readonly id: string;
  /** `postgres`, `s3` …, also if the kind is not available yet. */
  readonly kind: string;
  /** Without secrets. */
  readonly address: string;
  readonly result: 'ok' | 'failed' | 'not available yet';
  readonly milliseconds: number;
  /** Product and version of the server. */
  readonly detail: string | undefined;
  readonly error: LakeportError | undefined;
}

/** Tests one entry by using it. Never throws. */
export async function checkEntry(entry: AuthEntry, signal: AbortSignal): Promise<EntryCheck> {
  const startedAt = performance.now();
  const done = (outcome: Pick<EntryCheck, 'result' | 'address' | 'detail' | 'error'>): EntryCheck => ({
    id: entry.id,
    kind: entry.kind === 'database' ? entry.engine : entry.storageType,
    milliseconds: Math.round(performance.now() - startedAt),
    ...outcome,
  });
  try {
    signal.throwIfAborted();
    const { address, detail } =
      entry.kind === 'database' ? await checkDatabase(entry, signal) : await checkStorage(entry, signal);
    return done({ result: 'ok', address, detail, error: undefined });
  } catch (thrown) {
    const error = LakeportError.from(thrown);
    const result = error.code === 'NOT_AVAILABLE_YET' ? 'not available yet' : 'failed';
    return done({ result, address: entryAddress(entry), detail: undefined, error });
  }
}

async function checkDatabase(entry: DatabaseEntry, signal: AbortSignal) {
  const { openSource } = await import('../../engines.js');
  const source = await openSource(entry, { signal });
  try {
    // This query returns a row, so reading is tested too.
    await source.freeConnections();
    const { address, database, product } = source.server;
    return { address: `${address}/${database}`, detail: product };
  } finally {
    await source.close();
  }
}

async function checkStorage(entry: StorageEntry, signal: AbortSignal) {
  const [{ openStorage }, { probeStorage }, { raceAbort }] = await Promise.all([
    import('../../stores.js'),
    import('../../storage/probe.js'),
    import('../../runtime/interruption.js'),
  ]);
  const storage = await openStorage({ kind: 'entry', entry });
  try {
    await raceAbort(signal, probeStorage(storage));
    return { address: storage.display('').replace(/(?<=[^/])\/$/, ''), detail: undefined };
  } finally {
    await storage.close();
  }
}
