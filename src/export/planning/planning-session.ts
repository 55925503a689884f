import type { DatabaseEntry } from '../../auth/entries.js';
import type { LakeportError } from '../../errors.js';
import { availableCores } from '../../runtime/machine.js';
import { openSource } from '../../engines.js';
import type { Source } from '../../sources/source.js';
import type { RunObserver } from '../model/observer.js';
import type { ExportOptions } from '../model/options.js';
import type { RunPlan } from '../model/plan.js';
import { planTables } from './planner.js';
import type { PlanningContext } from './planning-context.js';
import type { Resumption } from '../resume/resumption.js';
import { type RetryPolicy, withRetry } from '../../runtime/retry.js';
import type { FindLoggedSync } from '../model/logged-sync.js';
import type { OpenStorages } from '../publish/open-storages.js';
import type { RecordedOverride } from '../model/recorded-override.js';
import { TableOverrides } from './table-overrides.js';

export interface PlanningSessionOptions {
  readonly options: ExportOptions;
  readonly entry: DatabaseEntry;
  readonly maskSalt: string | undefined;
  readonly storages: OpenStorages;
  readonly resumption: Resumption | undefined;
  readonly recordedOverrides: ((source: SourceDatabase) => Promise<readonly RecordedOverride[]>) | undefined;
  readonly loggedSync: FindLoggedSync | undefined;
  /** See `PlanningContext`. */
  readonly cores: number | undefined;
  readonly keepers: PlanningContext['keepers'];
  readonly retry: RetryPolicy | undefined;
  /** See `PlanningContext`. */
  readonly withMetadata: boolean;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** The connected database, for looking up its overrides. */
export interface SourceDatabase {
  readonly engine: string;
  readonly database: string;
}

/** Errors of a reachable server that will soon accept connections. */
const SOON = new Set(['SOURCE_STARTING', 'SOURCE_TOO_MANY_CONNECTIONS', 'SOURCE_FAILING_OVER']);

/** Connects to the source and plans, retrying transient errors. */
export class PlanningSession {
  readonly #options: PlanningSessionOptions;
  #source: Source | undefined;
  /** An unreachable address fails at once; a server that goes away later is retried. */
  #wasReached = false;
  #closing: Promise<void> = Promise.resolve();

  constructor(options: PlanningSessionOptions) {
    this.#options = options;
  }

  /** @throws LakeportError */
  run(): Promise<{ readonly context: PlanningContext; readonly plan: RunPlan }> {
    const { retry: policy, signal, observer } = this.#options;
    return withRetry(() => this.#attempt(), { policy, signal, observer, mayPass: (error) => this.#mayPass(error) });
  }

  /** Closes the source's connection and ends whatever waits for it. Never throws. */
  close(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    // A second caller waits for the first.
    if (source !== undefined) this.#closing = source.close();
    return this.#closing;
  }

  async #attempt(): Promise<{ context: PlanningContext; plan: RunPlan }> {
    const { options, entry, maskSalt, storages, resumption, recordedOverrides, observer, signal } = this.#options;
    await this.close();
    const { databaseName: database, lockTimeoutMs, inherited } = options;
    const onWait = (message: string) => observer.message?.('warning', message);
    const source = await openSource(entry, { database, lockTimeoutMs, inherited, maskSalt, signal, onWait });
    this.#source = source;
    this.#wasReached = true;
    signal.throwIfAborted();
    const recorded = (await recordedOverrides?.({ engine: source.engine, database: source.server.database })) ?? [];
    const { tableConfig: config = [], partitionBy, sortBy } = options;
    const overrides = new TableOverrides({
      recorded,
      config,
      partitionBy,
      sortBy,
      cores: this.#options.cores ?? availableCores(),
    });
    const { withMetadata, loggedSync, cores, keepers } = this.#options;
    const context = {
      options,
      source,
      storages,
      observer,
      signal,
      overrides,
      resumption,
      withMetadata,
      loggedSync,
      cores,
      keepers,
    };
    return { context, plan: await planTables(context) };
  }

  #mayPass({ code, transient }: LakeportError): boolean {
    return transient && code.startsWith('SOURCE_') && (this.#wasReached || SOON.has(code));
  }
}
