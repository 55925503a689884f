import { LakeportError } from '../../errors.js';
import type { Snapshot } from '../source.js';
import type { MssqlClient } from './connection/client.js';
import { errorNumber } from './errors.js';
import { quoteName } from './identifiers.js';

/** Token of snapshots in which each query sees row versions as of its start (`SNAPSHOT` isolation). */
export const ROW_VERSIONS = 'row versions';

/**
 * Decides what readers will see. SQL Server has no snapshot that connections can share, so the best guarantee is that
 * each query sees one instant: true for a table read by one query, but not for a table read by several.
 * @throws LakeportError if `run` is requested and the database keeps no row versions
 */
export async function pinSnapshot(
  client: MssqlClient,
  options: { readonly consistency: 'auto' | 'run' | 'none'; readonly database: string },
): Promise<Snapshot> {
  const { consistency, database } = options;
  const takenAt = await readClock(client);
  const none: Snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt };
  if (consistency === 'none') return none;
  const versions = await readVersioning(client);
  if (versions.snapshotAllowed) return { ...none, consistency: 'table', token: ROW_VERSIONS };
  if (consistency === 'run') throw notAllowed(database);
  // READ COMMITTED, which the readers then use, still shows each query the row versions as of its start.
  return versions.readCommittedSnapshot ? { ...none, consistency: 'table' } : none;
}

interface Versioning {
  /** `ALLOW_SNAPSHOT_ISOLATION`. */
  readonly snapshotAllowed: boolean;
  /** `READ_COMMITTED_SNAPSHOT`. */
  readonly readCommittedSnapshot: boolean;
}

async function readVersioning(client: MssqlClient): Promise<Versioning> {
  try {
    const [row] = await client.query(`
      SELECT CONVERT(int, snapshot_isolation_state), CONVERT(int, is_read_committed_snapshot_on)
      FROM sys.databases WHERE database_id = DB_ID()`);
    return { snapshotAllowed: row?.[0] === 1, readCommittedSnapshot: row?.[1] === 1 };
  } catch (error) {
    if (errorNumber(error) === undefined) throw error;
    // An unknown setting guarantees nothing.
    return { snapshotAllowed: false, readCommittedSnapshot: false };
  }
}

async function readClock(client: MssqlClient): Promise<string> {
  const [row] = await client.query(`SELECT CONVERT(nvarchar(33), SYSUTCDATETIME(), 126)`);
  const clock = row?.[0];
  return typeof clock === 'string' ? `${clock}Z` : new Date().toISOString();
}

function notAllowed(database: string): LakeportError {
  return new LakeportError({
    code: 'CONSISTENCY_NOT_AVAILABLE',
    message: `The database ${database} does not allow SNAPSHOT isolation, which --consistency run needs`,
    hint: `ALTER DATABASE ${quoteName(database)} SET ALLOW_SNAPSHOT_ISOLATION ON, or pass --consistency none`,
    context: { detail: '--consistency' },
  });
}
