import type { Attempt, PgBoss } from 'pg-boss';

import { LakeportError } from '../errors.js';
import type { SliceTask } from '../export/worker/protocol.js';
import type { LogDialect, QueueDatabase } from '../sources/run-log-dialect.js';
import { LeaseSupervisor } from './lease-supervisor.js';
import { loadQueueLibrary } from './load-queue.js';
import { type JobReport, pack, type SliceJob, type SliceReport, unpackJob, unpackReport } from './messages.js';

/** The queue's tables have a schema of their own in the run log's database. */
const QUEUE_SCHEMA = 'lakeport_queue';

/** A worker that is not heard of for this time has lost its slices. The least that the library allows. */
export const LEASE_SECONDS = 10;
/** How often a coordinator looks for workers that have lost their slices. */
const SUPERVISE_SECONDS = 2;
/** A slice is given up when so many workers have been lost that were reading it again. A bundle is dealt anew instead. */
const MOST_LOST = 5;
/** A slice may take as long as it likes, as long as its worker is heard of: the most that the library allows. */
const EXPIRE_SECONDS = 24 * 3600 - 1;
/** Of queues that nobody has removed. */
const RETENTION_SECONDS = 14 * 24 * 3600;

const REPORTED_AT_ONCE = 200;
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** A worker's claim on a job: only the one that it was last handed to can end it. */
export type Claim = Attempt;

export interface ClaimedJob {
  readonly claim: Claim;
  readonly job: SliceJob;
}

/** What became of a job that was sent. */
export interface SentJob {
  readonly id: string;
  /** `failed`: as many workers were lost with it as it allows. */
  readonly state: 'open' | 'completed' | 'failed' | 'cancelled';
  /** Of workers. */
  readonly losses: number;
  readonly report: JobReport | undefined;
}

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
}

/** The slices of one run, in jobs that wait for workers, are being read, or have been. */
export class SliceQueue {
  readonly #database: QueueDatabase;
  readonly #library: PgBoss;
  readonly #name: string;
  #supervisor: LeaseSupervisor | undefined;

  private constructor(database: QueueDatabase, library: PgBoss, runId: string) {
    this.#database = database;
    this.#library = library;
    this.#name = `run-${runId}`;
  }

  /**
   * For the coordinator: makes the queue of its run anew, and notices lost workers.
   * @param before sees what an earlier coordinator of the run has left
   * @throws LakeportError if there can be no queue, or its database refuses it
   */
  static async create(
    dialect: LogDialect,
    runId: string,
    onError: (error: unknown) => void,
    before?: (queue: SliceQueue) => Promise<void>,
  ): Promise<SliceQueue> {
    const queue = await SliceQueue.#connect(dialect, runId, { isCoordinator: true, onError });
    try {
      await before?.(queue);
      await queue.#library.deleteQueue(queue.#name);
      await queue.#library.createQueue(queue.#name, {
        heartbeatSeconds: LEASE_SECONDS,
        expireInSeconds: EXPIRE_SECONDS,
        retryLimit: MOST_LOST,
        retentionSeconds: RETENTION_SECONDS,
        deleteAfterSeconds: RETENTION_SECONDS,
      });
      await queue.#removeForgotten();
      queue.#supervise(onError);
      return queue;
    } catch (error) {
      await queue.close();
      throw queueError(error, dialect);
    }
  }

  /**
   * For a worker.
   * @throws LakeportError if there can be no queue, or its database refuses it
   */
  static join(dialect: LogDialect, runId: string, onError: (error: unknown) => void): Promise<SliceQueue> {
    return SliceQueue.#connect(dialect, runId, { isCoordinator: false, onError });
  }

  /** Creates or migrates the queue's tables. @throws LakeportError */
  static async install(dialect: LogDialect): Promise<void> {
    const queue = await SliceQueue.#connect(dialect, 'none', { isCoordinator: true, onError: () => undefined });
    await queue.close();
  }

  static async #connect(
    dialect: LogDialect,
    runId: string,
    { isCoordinator, onError }: { readonly isCoordinator: boolean; readonly onError: (error: unknown) => void },
  ): Promise<SliceQueue> {
    const Library = await loadQueueLibrary();
    const database = openQueueDatabase(dialect);
    const library = new Library({
      db: database,
      schema: QUEUE_SCHEMA,
      schedule: false,
      // Each coordinator supervises the queue of its own run.
      supervise: false,
      migrate: isCoordinator,
      superviseIntervalSeconds: SUPERVISE_SECONDS,
      // A call before this time does nothing.
      monitorIntervalSeconds: 1,
      reindex: false,
      monitorVacuum: false,
      registerInstance: false,
      openTelemetry: { enabled: false },
    });
    library.on('error', onError);
    try {
      await library.start();
      return new SliceQueue(database, library, runId);
    } catch (error) {
      await library.stop({ close: false, graceful: false }).catch(() => undefined);
      await database.close();
      throw queueError(error, dialect);
    }
  }

  /** Hands out jobs, in this order. Sending the same again does nothing. @param jobs with random UUIDs */
  async send(jobs: readonly { readonly id: string; readonly job: SliceJob }[]): Promise<void> {
    await this.#library.insert(
      this.#name,
      jobs.map(({ id, job }) => ({
        id,
        data: { job: pack(job) },
        // Which of several slices it was that its worker did not survive, nobody knows.
        retryLimit: job.tasks.length > 1 ? 0 : MOST_LOST,
      })),
    );
  }

  /** Those of these jobs that have ended, or whose worker was lost. */
  async look(ids: readonly string[]): Promise<readonly SentJob[]> {
    const { rows } = await this.#database.executeSql(
      `SELECT id::text, state::text, retry_count::int4 AS retries, output->>'report' AS report
         FROM ${QUEUE_SCHEMA}.job
        WHERE name = $1 AND id = ANY($2::uuid[])
          AND (state IN ('completed', 'cancelled', 'failed', 'retry') OR retry_count > 0)`,
      [this.#name, ids],
    );
    // As the statement selects them.
    return (rows as { id: string; state: string; retries: number; report: string | null }[]).map((row) => ({
      id: row.id,
      state: row.state === 'completed' || row.state === 'failed' || row.state === 'cancelled' ? row.state : 'open',
      losses: row.retries + (row.state === 'retry' || row.state === 'failed' ? 1 : 0),
      report: row.report === null || row.state !== 'completed' ? undefined : unpackReport(row.report),
    }));
  }

  /** All slices whose jobs have been reported. */
  async *reported(): AsyncGenerator<{ readonly task: SliceTask; readonly report: SliceReport }> {
    for (let last: string | undefined = NO_ID; last !== undefined;) {
      const { rows } = await this.#database.executeSql(
        `SELECT id::text, data->>'job' AS job, output->>'report' AS report
           FROM ${QUEUE_SCHEMA}.job
          WHERE name = $1 AND state = 'completed' AND id > $2::uuid ORDER BY id LIMIT ${REPORTED_AT_ONCE}`,
        [this.#name, last],
      );
      // As the statement selects them.
      const found = rows as { id: string; job: string; report: string | null }[];
      for (const { job, report } of found) {
        const reports = report === null ? [] : unpackReport(report);
        for (const [at, task] of unpackJob(job).tasks.entries()) {
          const own = reports[at];
          if (own !== undefined) yield { task, report: own };
        }
      }
      last = found.at(-1)?.id;
    }
  }

  async counts(): Promise<QueueCounts> {
    const { rows } = await this.#database.executeSql(
      `SELECT count(*) FILTER (WHERE state < 'active')::int4 AS waiting,
              count(*) FILTER (WHERE state = 'active')::int4 AS active
         FROM ${QUEUE_SCHEMA}.job WHERE name = $1`,
      [this.#name],
    );
    // As the statement selects them.
    return (rows as QueueCounts[])[0] ?? { waiting: 0, active: 0 };
  }

  /** Takes at most so many jobs. None, too, where the coordinator has removed the queue. */
  async take(most: number): Promise<readonly ClaimedJob[]> {
    const jobs = await this.#library.fetch(this.#name, { batchSize: most }).catch((error: unknown) => {
      if (isQueueGone(error)) return [];
      throw error;
    });
    return jobs.map(({ id, retryCount, data }) => {
      // As `send` has written it.
      const { job } = data as { readonly job: string };
      return { claim: { id, retryCount }, job: unpackJob(job) };
    });
  }

  /** Renews leases. @returns ids of the jobs that are still this worker's */
  async renew(claims: readonly Claim[]): Promise<ReadonlySet<string>> {
    try {
      const { settled } = await this.#library.touch(this.#name, claims);
      return new Set(settled ?? []);
    } catch (error) {
      if (isQueueGone(error)) return new Set();
      throw error;
    }
  }

  /**
   * Ends a job. May be called again where an answer got lost.
   * @returns false if the claim is not this worker's any more: then the report does not count
   */
  async report(claim: Claim, report: JobReport): Promise<boolean> {
    try {
      const { affected } = await this.#library.complete(this.#name, claim, { report: pack(report) });
      return affected > 0 || (await this.#isReported(claim));
    } catch (error) {
      if (isQueueGone(error)) return false;
      throw error;
    }
  }

  /** Nobody can report these jobs any more, unless they have ended before. */
  async cancel(ids: readonly string[]): Promise<void> {
    await this.#library.cancel(this.#name, ids);
  }

  /** The run is over: no slice of it can be taken or reported any more. */
  async remove(): Promise<void> {
    await this.#library.deleteQueue(this.#name);
  }

  /** Never throws. */
  async close(): Promise<void> {
    await this.#supervisor?.close();
    await this.#library.stop({ close: false, graceful: false }).catch(() => undefined);
    await this.#database.close();
  }

  #supervise(onError: (error: unknown) => void): void {
    this.#supervisor = new LeaseSupervisor({
      ask: () => this.#database.executeSql('SELECT 1'),
      supervise: () => this.#library.supervise(this.#name),
      everyMs: SUPERVISE_SECONDS * 1000,
      leaseMs: LEASE_SECONDS * 1000,
      onError,
    });
  }

  /** Queues of runs whose coordinators have never come back. */
  async #removeForgotten(): Promise<void> {
    const { rows } = await this.#database.executeSql(
      `SELECT name FROM ${QUEUE_SCHEMA}.queue
        WHERE COALESCE(monitor_claim_on, created_on) < now() - $1 * interval '1 second'`,
      [RETENTION_SECONDS],
    );
    // As the statement selects them.
    for (const { name } of rows as { name: string }[]) await this.#library.deleteQueue(name);
  }

  /** The claim itself has ended the job, and its answer got lost on the way. */
  async #isReported({ id, retryCount }: Claim): Promise<boolean> {
    const { rows } = await this.#database.executeSql(
      `SELECT FROM ${QUEUE_SCHEMA}.job
        WHERE name = $1 AND id = $2::uuid AND retry_count = $3 AND state = 'completed'`,
      [this.#name, id, retryCount],
    );
    return rows.length > 0;
  }
}

/** @throws LakeportError of class `usage` if the log is in a database that cannot hold the queue */
export function requireQueue(dialect: LogDialect): void {
  if (dialect.openQueue === undefined) throw needsLog(dialect);
}

function openQueueDatabase(dialect: LogDialect): QueueDatabase {
  if (dialect.openQueue !== undefined) return dialect.openQueue();
  throw needsLog(dialect);
}

function needsLog(dialect: LogDialect): LakeportError {
  return new LakeportError({
    code: 'WORKERS_NEED_LOG',
    message: `Workers on other machines need a run log in PostgreSQL, which is their queue; it is ${dialect.address}`,
    hint: 'Name one with --log-db-auth-id.',
    context: { detail: '--log-db-auth-id' },
  });
}

/** The library's own words for a queue that was removed. */
function isQueueGone(error: unknown): boolean {
  return error instanceof Error && /^Queue .* (does not exist|not found)/.test(error.message);
}

function queueError(thrown: unknown, dialect: LogDialect): LakeportError {
  if (thrown instanceof LakeportError) return thrown;
  const { reason, hint, detail } = dialect.explain(thrown);
  return new LakeportError({
    code: 'QUEUE_FAILED',
    message: `The queue in ${dialect.address} cannot be used: ${reason}`,
    hint: detail === 'SQLSTATE 42501' ? GRANTS : hint,
    ...(detail !== undefined && { context: { detail } }),
    cause: thrown,
  });
}

const GRANTS = `The coordinator's user needs CREATE on the database for the first run, or \`lakeport --init-db --workers external\` by its owner; then it needs what a worker's needs: USAGE on the schema ${QUEUE_SCHEMA}, and SELECT, INSERT, UPDATE and DELETE on its tables.`;
