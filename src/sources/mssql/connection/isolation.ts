import type { Snapshot } from '../../source.js';
import type { ConnectOptions } from './connection.js';
import { errorNumber } from '../errors.js';
import { ROW_VERSIONS } from '../snapshot.js';

/** Memory-optimized tables have their own snapshots and reject those of the session. */
const MEMORY_OPTIMIZED = new Set([41332, 41333]);

/** Isolation level for reading a table's rows. */
export function isolationOf({ token }: Snapshot): ConnectOptions['isolation'] {
  return token === ROW_VERSIONS ? 'snapshot' : 'read committed';
}

/** Whether the same query is worth a retry under `read committed`. */
export function isIsolationRefused(thrown: unknown, isolation: ConnectOptions['isolation']): boolean {
  return isolation === 'snapshot' && MEMORY_OPTIMIZED.has(errorNumber(thrown) ?? 0);
}
