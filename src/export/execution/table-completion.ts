import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import type { StagedPart } from '../../storage/storage.js';
import type { PublishedFile, RunObserver } from '../model/observer.js';
import type { TableResult } from '../model/result.js';
import type { TableProgress } from './table-progress.js';
import { tableKey, tableName } from '../../model/table.js';
import { cancelledResult, completedResult, failedResult } from './table-result.js';

/** Tables published concurrently: each takes a handful of sequential requests. */
const PUBLISH_CONCURRENCY = 32;
/**
 * No table starts from when `most` wait to be published until `few` do: several bundles of small tables may be read at the
 * same moment, and those that start together share a bundle again.
 */
const UNPUBLISHED = { most: 256, few: 128 } as const;

/** Why a run starts no more slices. */
export interface RunStop {
  /** The error of tables not read yet; undefined if they are cancelled. */
  readonly failure: LakeportError | undefined;
  /** Whether fully staged tables are still published. */
  readonly publishStaged: boolean;
}

export interface FinisherOptions {
  readonly discard: (part: StagedPart) => Promise<void>;
  /** Rejects if the rows read from a table must not be published. */
  readonly check?: ((table: TableProgress) => Promise<void>) | undefined;
  /** Publishes a fully staged table; on failure, discards its staged files. */
  readonly publish: (table: TableProgress) => Promise<readonly PublishedFile[]>;
  readonly observer: RunObserver;
  /** Fulfilled once `stop` returns a reason. */
  readonly stopped: Promise<unknown>;
  /** Why the run has stopped, if it has. */
  readonly stop: () => RunStop | undefined;
  /** Called when a table fails for the first time. */
  readonly onFailure: (table: TableProgress, error: LakeportError) => void;
  /** Called when a table is done. */
  readonly onEnd: () => void;
}

/** Publishes or gives up tables that have been read, and keeps their results. */
export class TableFinisher {
  readonly #options: FinisherOptions;
  readonly #limit = pLimit(PUBLISH_CONCURRENCY);
  readonly #results = new Map<string, TableResult>();
  #pending = 0;
  #isBacklogged = false;
  #isAbandoned = false;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /** No table is being published or given up, or waits for it. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Too many tables wait. */
  get isBacklogged(): boolean {
    return this.#isBacklogged;
  }

  of(id: { readonly schema: string; readonly name: string }): TableResult | undefined {
    return this.#results.get(tableKey(id));
  }

  publish(table: TableProgress): void {
    this.#end(table, async () => {
      await this.#check(table);
      return this.#limit(() => this.#publish(table));
    });
  }

  giveUp(table: TableProgress): void {
    this.#end(table, () => this.#giveUp(table));
  }

  /** Never rejects. */
  async discard(parts: readonly StagedPart[]): Promise<void> {
    const results = await Promise.allSettled(parts.map((part) => this.#options.discard(part)));
    const left = results.filter((result) => result.status === 'rejected');
    if (left[0] === undefined) return;
    const text = `${left.length} staged files could not be removed; the next run to this destination will remove them: ${String(left[0].reason)}`;
    this.#options.observer.message?.('warning', text);
  }

  /** Stops waiting for unfinished tables: they count as cancelled, whatever still happens to them. */
  abandon(tables: readonly TableProgress[]): void {
    this.#isAbandoned = true;
    const left = tables.filter(({ plan }) => this.of(plan.id) === undefined);
    for (const table of left)
      this.#keep(table, table.failure === undefined ? cancelledResult(table) : failedResult(table, table.failure));
  }

  #end(table: TableProgress, operation: () => Promise<TableResult>): void {
    this.#pending++;
    if (this.#pending >= UNPUBLISHED.most) this.#isBacklogged = true;
    void operation().then((result) => {
      this.#pending--;
      if (this.#pending <= UNPUBLISHED.few) this.#isBacklogged = false;
      if (this.#isAbandoned) return;
      this.#keep(table, result);
      table.end();
      this.#options.onEnd();
    });
  }

  #keep(table: TableProgress, result: TableResult): void {
    this.#results.set(tableKey(table.plan.id), result);
    this.#options.observer.tableEnded?.(result);
  }

  /** Runs outside the publish limit: it waits for the source, and must not hold up other tables. */
  async #check(table: TableProgress): Promise<void> {
    const { check, stopped, stop, onFailure } = this.#options;
    const checking = check?.(table);
    // Once the run has stopped, nothing waits for the check.
    checking?.catch(() => undefined);
    try {
      await Promise.race([checking, stopped.then(() => (stop()?.publishStaged === false ? undefined : checking))]);
    } catch (thrown) {
      table.failure = LakeportError.from(thrown).within({ table: tableName(table.plan.id) });
      onFailure(table, table.failure);
    }
  }

  async #publish(table: TableProgress): Promise<TableResult> {
    const { stop, publish, observer, onFailure } = this.#options;
    if (table.failure !== undefined || stop()?.publishStaged === false) return this.#giveUp(table);
    try {
      const files = await publish(table);
      observer.tablePublished?.(table.plan.id, files);
      return completedResult(table);
    } catch (thrown) {
      const error = LakeportError.from(thrown).within({ table: tableName(table.plan.id) });
      table.failure = error;
      onFailure(table, error);
      return failedResult(table, error);
    }
  }

  async #giveUp(table: TableProgress): Promise<TableResult> {
    const failure = this.#options.stop()?.failure;
    if (table.failure === undefined && failure !== undefined) {
      table.failure = failure;
      this.#options.onFailure(table, failure);
    }
    await this.discard(table.staged);
    return table.failure === undefined ? cancelledResult(table) : failedResult(table, table.failure);
  }
}
