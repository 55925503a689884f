import { LakeportError } from '../../errors.js';
import type { RunLog, SyncRecord } from '../../runlog/index.js';
import { didYouMean } from '../../text/did-you-mean.js';
import { someOf } from '../../text/quantities.js';

/** Most ids that an error lists. */
const MOST_LISTED = 10;

/**
 * The stored sync of this id or, without one, the only one.
 * @throws LakeportError of class `usage` if there is none, or several and no id
 */
export async function findSync(log: RunLog, syncId: string | undefined): Promise<SyncRecord> {
  const syncs = await log.syncs();
  const ids = syncs.map((sync) => sync.syncId);
  const [only, second] = syncs;
  const found =
    syncId === undefined ? (second === undefined ? only : undefined) : syncs.find((one) => one.syncId === syncId);
  if (found !== undefined) return found;
  if (syncId !== undefined && only !== undefined) throw unknownSync(log, syncId, ids);
  throw new LakeportError({
    code: 'SYNC_NOT_NAMED',
    message:
      only === undefined
        ? `The run log ${log.address} has no stored sync`
        : `The run log ${log.address} has ${ids.length} stored syncs: ${someOf(ids, MOST_LISTED)}`,
    hint:
      only === undefined
        ? 'lakeport config create stores one; -a with --log-db-auth-id selects the log of an entry.'
        : 'Name one with --sync-id; lakeport config list shows them.',
    context: { detail: '--sync-id' },
  });
}

function unknownSync(log: RunLog, syncId: string, ids: readonly string[]): LakeportError {
  const near = didYouMean(syncId, ids);
  return new LakeportError({
    code: 'SYNC_UNKNOWN',
    message: `The run log ${log.address} has no sync ${syncId}${near === undefined ? '' : `; did you mean ${near}?`}`,
    hint: `It has ${someOf(ids, MOST_LISTED)}; -a with --log-db-auth-id selects the log of an entry.`,
    context: { detail: syncId },
  });
}
