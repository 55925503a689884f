import type { Client } from 'pg';

import type { IncrementRequest } from '../../increment.js';
import type { SourceDataset } from '../../source.js';
import type { ServerFacts } from '../connection/server-facts.js';

/** What is asked for, and of which session. */
export interface IncrementContext {
  readonly client: Client;
  readonly server: ServerFacts;
  readonly table: SourceDataset;
  readonly request: IncrementRequest;
  /** Of the table; undefined for a query. */
  readonly oid: number | undefined;
  /** Whether all queries of the session see one snapshot, which the readers share. */
  readonly isPinned: boolean;
}
