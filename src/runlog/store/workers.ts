import { sql } from 'kysely';

import { WORKER_SILENCE_SECONDS } from '../heartbeat.js';
import { WORKERS } from '../model/columns.js';
import type { WorkerRow } from '../model/rows.js';
import type { RunWorkers } from './log-store.js';
import type { SchemaContext } from './migrate.js';
import { readRunRow } from './reads.js';

/** Writes or renews the row of a process that works on a run, with its heartbeat. */
export async function putWorker({ db, dialect }: SchemaContext, worker: WorkerRow): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('export_workers')
    .set({ ...worker, heartbeat_at: dialect.now })
    .where('run_id', '=', worker.run_id)
    .where('worker_id', '=', worker.worker_id)
    .executeTakeFirst();
  if (numUpdatedRows > 0n) return;
  await db
    .insertInto('export_workers')
    .values({ ...worker, joined_at: dialect.now, heartbeat_at: dialect.now })
    .execute();
}

export async function runWorkers(context: SchemaContext, { runId }: { readonly runId: string }): Promise<RunWorkers> {
  const { db, dialect } = context;
  const run = await readRunRow(context, runId);
  const isSilent = sql<number>`case when heartbeat_at < ${dialect.secondsAgo(WORKER_SILENCE_SECONDS)} then 1 else 0 end`;
  const rows = await db
    .selectFrom('export_workers')
    .selectAll()
    .select(isSilent.as('is_silent'))
    .where('run_id', '=', runId)
    .orderBy('joined_at')
    .orderBy('worker_id')
    .execute();
  return {
    state: run?.status,
    attempt: run?.attempt ?? 0,
    toolVersion: run?.tool_version,
    settings: run && JSON.parse(run.settings),
    workers: rows.map(({ is_silent: silent, ...row }) => {
      const worker = WORKERS.record(WORKERS.restore(row));
      return { ...worker, isLiving: worker.leftAt === undefined && silent === 0 };
    }),
  };
}
