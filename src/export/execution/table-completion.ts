import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import type { StagedPart } from '../../storage/storage.js';
import type { PublishedFile, RunObserver } from '../model/observer.js';
import type { TableResult } from '../model/result.js';
import type { TableProgress } from './table-progress.js';
import { tableKey, tableName } from '../../model/table.js';
import { cancelledResult, completedResult, failedResult } from './table-result.js';

/** Tables that are published at the same time: each waits for a handful of answers, one after the other. */
const PUBLISH_CONCURRENCY = 32;
/** No table is started while so many are staged and wait to be published. */
const MAX_UNPUBLISHED = 64;

/** Why a run begins no slice any more. */
export interface RunStop {
  /** What it means for tables that are not read yet; undefined where they are cancelled. */
  readonly failure: LakeportError | undefined;
  /** Whether tables that are staged as a whole are still published. */
  readonly publishStaged: boolean;
}

export interface FinisherOptions {
  readonly discard: (part: StagedPart) => Promise<void>;
  /** Rejects where what was read of a table must not be published. */
  readonly check?: ((table: TableProgress) => Promise<void>) | undefined;
  /** Makes a table visible whose slices are all staged; withdraws its parts where it fails. */
  readonly publish: (table: TableProgress) => Promise<readonly PublishedFile[]>;
  readonly observer: RunObserver;
  /** Fulfilled when `stop` gives something for the first time. */
  readonly stopped: Promise<unknown>;
  /** Asked at the last moment. */
  readonly stop: () => RunStop | undefined;
  /** A table has failed that had not failed before. */
  readonly onFailure: (table: TableProgress, error: LakeportError) => void;
  /** A table is through. */
  readonly onEnd: () => void;
}

/** Publishes tables that no reader is on any more, or gives them up, and keeps how each ended. */
export class TableFinisher {
  readonly #options: FinisherOptions;
  readonly #limit = pLimit(PUBLISH_CONCURRENCY);
  readonly #results = new Map<string, TableResult>();
  #pending = 0;
  #isAbandoned = false;

  constructor(options: FinisherOptions) {
    this.#options = options;
  }

  /** No table is being withdrawn or published, and none waits for it. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Too many tables wait. */
  get isBacklogged(): boolean {
    return this.#pending >= MAX_UNPUBLISHED;
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
    const text = `${left.length} staged parts could not be removed; the next run to the same place will: ${String(left[0].reason)}`;
    this.#options.observer.message?.('warning', text);
  }

  /** Waits no longer for tables that are not through: they count as cancelled, whatever is still done with them. */
  abandon(tables: readonly TableProgress[]): void {
    this.#isAbandoned = true;
    const left = tables.filter(({ plan }) => this.of(plan.id) === undefined);
    for (const table of left)
      this.#keep(table, table.failure === undefined ? cancelledResult(table) : failedResult(table, table.failure));
  }

  #end(table: TableProgress, operation: () => Promise<TableResult>): void {
    this.#pending++;
    void operation().then((result) => {
      this.#pending--;
      if (this.#isAbandoned) return;
      this.#keep(table, result);
      this.#options.onEnd();
    });
  }

  #keep(table: TableProgress, result: TableResult): void {
    this.#results.set(tableKey(table.plan.id), result);
    this.#options.observer.tableEnded?.(result);
  }

  /** It waits for the source, and so holds up no table that could be published. */
  async #check(table: TableProgress): Promise<void> {
    const { check, stopped, stop, onFailure } = this.#options;
    const checking = check?.(table);
    // Nobody waits for it where the run has stopped.
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
