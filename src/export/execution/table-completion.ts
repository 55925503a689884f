import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import type { StagedPart } from '../../storage/storage.js';
import type { PublishedFile, RunObserver } from '../model/observer.js';
import type { TableResult } from '../model/result.js';
import type { TableProgress } from './table-progress.js';
import { tableKey, tableName } from '../../model/table.js';
import { cancelledResult, completedResult, failedResult } from './table-result.js';

/** Tables that are published at the same time: each waits for a handful of answers, one after the other. */
const PUBLISHED_AT_ONCE = 32;
/** No table is started while so many are staged and wait to be published. */
const MOST_UNPUBLISHED = 64;

/** Why a run begins no slice any more. */
export interface RunStop {
  /** What it means for tables that are not read yet; undefined where they are cancelled. */
  readonly failure: LakeportError | undefined;
  /** Whether tables that are staged as a whole are still published. */
  readonly publishStaged: boolean;
}

export interface FinisherOptions {
  readonly withdraw: (part: StagedPart) => Promise<void>;
  /** Rejects where what was read of a table must not be published. */
  readonly check?: ((job: TableProgress) => Promise<void>) | undefined;
  /** Makes a table visible whose slices are all staged; withdraws its parts where it fails. */
  readonly publish: (job: TableProgress) => Promise<readonly PublishedFile[]>;
  readonly observer: RunObserver;
  /** Fulfilled when `stop` gives something for the first time. */
  readonly stopped: Promise<unknown>;
  /** Asked at the last moment. */
  readonly stop: () => RunStop | undefined;
  /** A table has failed that had not failed before. */
  readonly onFailure: (job: TableProgress, error: LakeportError) => void;
  /** A table is through. */
  readonly onEnd: () => void;
}

/** Publishes tables that no reader is on any more, or gives them up, and keeps how each ended. */
export class TableFinisher {
  readonly #settings: FinisherOptions;
  readonly #limit = pLimit(PUBLISHED_AT_ONCE);
  readonly #results = new Map<string, TableResult>();
  #pending = 0;
  #isAbandoned = false;

  constructor(settings: FinisherOptions) {
    this.#settings = settings;
  }

  /** No table is being withdrawn or published, and none waits for it. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Too many tables wait. */
  get isBacklogged(): boolean {
    return this.#pending >= MOST_UNPUBLISHED;
  }

  of(id: { readonly schema: string; readonly name: string }): TableResult | undefined {
    return this.#results.get(tableKey(id));
  }

  publish(job: TableProgress): void {
    this.#end(job, async () => {
      await this.#check(job);
      return this.#limit(() => this.#publish(job));
    });
  }

  giveUp(job: TableProgress): void {
    this.#end(job, () => this.#giveUp(job));
  }

  /** Never rejects. */
  async withdraw(parts: readonly StagedPart[]): Promise<void> {
    const results = await Promise.allSettled(parts.map((part) => this.#settings.withdraw(part)));
    const left = results.filter((result) => result.status === 'rejected');
    if (left[0] === undefined) return;
    const text = `${left.length} staged parts could not be removed; the next run to the same place will: ${String(left[0].reason)}`;
    this.#settings.observer.message?.('warning', text);
  }

  /** Waits no longer for tables that are not through: they count as cancelled, whatever is still done with them. */
  abandon(jobs: readonly TableProgress[]): void {
    this.#isAbandoned = true;
    const left = jobs.filter(({ plan }) => this.of(plan.id) === undefined);
    for (const job of left)
      this.#keep(job, job.failure === undefined ? cancelledResult(job) : failedResult(job, job.failure));
  }

  #end(job: TableProgress, operation: () => Promise<TableResult>): void {
    this.#pending++;
    void operation().then((result) => {
      this.#pending--;
      if (this.#isAbandoned) return;
      this.#keep(job, result);
      this.#settings.onEnd();
    });
  }

  #keep(job: TableProgress, result: TableResult): void {
    this.#results.set(tableKey(job.plan.id), result);
    this.#settings.observer.tableEnded?.(result);
  }

  /** It waits for the source, and so holds up no table that could be published. */
  async #check(job: TableProgress): Promise<void> {
    const { check, stopped, stop, onFailure } = this.#settings;
    const checking = check?.(job);
    // Nobody waits for it where the run has stopped.
    checking?.catch(() => undefined);
    try {
      await Promise.race([checking, stopped.then(() => (stop()?.publishStaged === false ? undefined : checking))]);
    } catch (thrown) {
      job.failure = LakeportError.from(thrown).within({ table: tableName(job.plan.id) });
      onFailure(job, job.failure);
    }
  }

  async #publish(job: TableProgress): Promise<TableResult> {
    const { stop, publish, observer, onFailure } = this.#settings;
    if (job.failure !== undefined || stop()?.publishStaged === false) return this.#giveUp(job);
    try {
      const files = await publish(job);
      observer.tablePublished?.(job.plan.id, files);
      return completedResult(job);
    } catch (thrown) {
      const error = LakeportError.from(thrown).within({ table: tableName(job.plan.id) });
      job.failure = error;
      onFailure(job, error);
      return failedResult(job, error);
    }
  }

  async #giveUp(job: TableProgress): Promise<TableResult> {
    const failure = this.#settings.stop()?.failure;
    if (job.failure === undefined && failure !== undefined) {
      job.failure = failure;
      this.#settings.onFailure(job, failure);
    }
    await this.withdraw(job.staged);
    return job.failure === undefined ? cancelledResult(job) : failedResult(job, job.failure);
  }
}
