import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import type { SourceDatabase } from '../../export/export.js';
import { graceLeft, raceAbort, withinGrace } from '../../runtime/interruption.js';
import type { LoggedSync } from '../../export/model/logged-sync.js';
import type { TableDestination } from '../../export/model/table-destination.js';
import type { TableId } from '../../model/table.js';
import type { RunObserver } from '../../export/model/observer.js';
import type { ExportOptions } from '../../export/model/options.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { ActiveRun, LogListener, RunHistory, RunLog, RecordedOverride } from '../../runlog/index.js';
import type { CliContext } from '../context.js';
import { type LogFlags, openRunLogFromFlags } from '../flags/runlog-flags.js';
import { combineObservers } from '../logging/combine-observers.js';
import { placeKey, recordedSettings, type RecordedSettings } from './recorded-options.js';
import { refuseTargetInUse } from './target-in-use.js';

export interface RunRecordingOptions {
  readonly log: LogFlags;
  readonly auth: AuthFile;
  readonly context: CliContext;
  /** Receives messages about the log. */
  readonly observer: Pick<RunObserver, 'message'>;
  /** See `logThreadAfterMs`. */
  readonly threadAfterMs?: number | undefined;
}

/** One export that is recorded in the run log. */
export class RunRecording {
  readonly observer: RunObserver;
  /** What an earlier process of the run has done; undefined for a new run. */
  readonly earlier: RunHistory | undefined;
  readonly #log: RunLog;
  readonly #run: ActiveRun;
  readonly #options: RunRecordingOptions;
  readonly #export: ExportOptions;
  readonly #settings: RecordedSettings;
  readonly #fate: { isLost: boolean };
  readonly #syncId: string | undefined;
  #isPlanned = false;

  private constructor(
    options: RunRecordingOptions,
    run: {
      readonly log: RunLog;
      readonly logged: ActiveRun;
      readonly export: ExportOptions;
      readonly settings: RecordedSettings;
      readonly earlier: RunHistory | undefined;
      readonly fate: { isLost: boolean };
      readonly syncId?: string | undefined;
    },
  ) {
    this.#fate = run.fate;
    this.#options = options;
    this.#log = run.log;
    this.#run = run.logged;
    this.#export = run.export;
    this.#settings = run.settings;
    this.earlier = run.earlier;
    this.#syncId = run.syncId;
    this.observer = combineObservers({ planned: () => (this.#isPlanned = true) }, run.logged.recorder);
  }

  /**
   * Opens the log and starts a run in it.
   * @returns undefined if the embedded log cannot be used and the user did not configure it: the run is not logged
   * @throws LakeportError if the log already has a run of this id, or the log that the user configured cannot be used
   */
  static async begin(
    options: RunRecordingOptions,
    run: {
      readonly export: ExportOptions;
      readonly commandLine: string;
      readonly target: string;
      /** The stored sync that it is a run of. */
      readonly syncId?: string | undefined;
    },
  ): Promise<RunRecording | undefined> {
    const { auth, context, log: flags, threadAfterMs } = options;
    const settings = await recordedSettings(run.export, { auth, redactor: context.redactor });
    let log: RunLog | undefined;
    try {
      log = await openRunLogFromFlags(flags, { auth, context, threaded: true, threadAfterMs });
      const { runId, startedAt, sourceId } = run.export;
      const sourceType = auth.database(sourceId).engine;
      const { commandLine, target, syncId } = run;
      const { envName } = flags;
      const fate = { isLost: false };
      const beginning = log.begin(
        { runId, startedAt, commandLine, settings, target, envName, sourceType, syncId },
        await listenerOf(options, fate),
        (table) => placeKey(settings, table),
      );
      const logged = await raceAbort(context.signal, beginning);
      return new RunRecording(options, { log, logged, export: run.export, settings, earlier: undefined, fate, syncId });
    } catch (thrown) {
      await log?.close();
      const error = LakeportError.from(thrown);
      if (flags.isAsked || error.exit !== 'unreachable') throw error;
      const fields = { code: error.code, ...(error.hint !== undefined && { hint: error.hint }) };
      options.observer.message?.('warning', `${error.message}. This run is not logged and cannot be resumed.`, fields);
      return undefined;
    }
  }

  /**
   * Takes over an earlier run.
   * @param run.log is closed by the recording, or if this fails
   * @throws LakeportError if there is nothing to finish, or a living process owns the run
   */
  static async resume(
    options: RunRecordingOptions,
    run: { readonly log: RunLog; readonly export: ExportOptions },
  ): Promise<RunRecording> {
    const { log } = run;
    const fate = { isLost: false };
    const { auth, context } = options;
    const settings = await recordedSettings(run.export, { auth, redactor: context.redactor });
    const listener = await listenerOf(options, fate);
    const resuming = log.resume(run.export.runId, listener, (table) => placeKey(settings, table));
    const { run: logged, history } = await raceAbort(context.signal, resuming);
    return new RunRecording(options, { log, logged, export: run.export, settings, earlier: history, fate });
  }

  /** Address of the log, human-readable. */
  get address(): string {
    return this.#log.address;
  }

  /** The stored sync that it is a run of. */
  get syncId(): string | undefined {
    return this.#syncId ?? this.earlier?.run.syncId;
  }

  /** True if the log has all that a resume needs; final only after `close`. */
  get isResumable(): boolean {
    return this.#isPlanned && this.#settings.hidden.length === 0 && !this.#fate.isLost;
  }

  /**
   * The user's own settings for tables of the source.
   * @throws LakeportError if the log that the user configured cannot be read
   */
  async tableSettings(of: SourceDatabase): Promise<readonly RecordedOverride[]> {
    const { log: flags, observer } = this.#options;
    try {
      return await this.#log.tableSettings({ ...of, envName: this.earlier?.run.envName ?? flags.envName });
    } catch (thrown) {
      const error = LakeportError.from(thrown);
      if (flags.isAsked) throw error;
      observer.message?.('warning', `${error.message}. Ignoring partition_columns for this run.`);
      return [];
    }
  }

  /** Where the table was last synced to this place. A log that cannot answer is no reason to fail: the manifest decides. */
  async lastSync(
    table: TableId,
    { storageId, displayPath: path }: Pick<TableDestination, 'storageId' | 'displayPath'>,
  ): Promise<LoggedSync | undefined> {
    const place = placeKey(this.#settings, { storageId, path });
    const found = await this.#log.watermarks({ tables: [table], limit: 1 }).catch(() => []);
    return found.find((one) => one.place === place);
  }

  /** @throws LakeportError if another run is writing to the same destination */
  async beforeWriting(plan: RunPlan): Promise<void> {
    const { runId, startedAt } = this.#export;
    // If the log cannot answer, the lock in the destination still protects it.
    const living = await this.#log.livingRuns({ except: runId }).catch(() => []);
    refuseTargetInUse({ runId, startedAt, settings: this.#settings, plan }, living);
  }

  /** The run failed without a result. A mistake found before planning leaves no trace in the log. */
  async failed(error: LakeportError): Promise<void> {
    const isRefused = error.exit === 'usage' || error.exit === 'in-use';
    if (isRefused && !this.#isPlanned && this.earlier === undefined) await this.#run.withdraw();
    else this.#run.recorder.failed(error);
  }

  /** The last call: waits until everything is written, after a signal only for the rest of its grace period. Never throws. */
  async close(): Promise<void> {
    const { signal } = this.#options.context;
    const withinMs = graceLeft(signal, 'log');
    await this.#run.finish(withinMs === undefined ? {} : { withinMs });
    await withinGrace(signal, this.#log.close(), 'log').catch(() => undefined);
  }
}

async function listenerOf({ observer, context }: RunRecordingOptions, fate: { isLost: boolean }): Promise<LogListener> {
  const { logMessages } = await import('../../runlog/index.js');
  const messages = logMessages(observer);
  return {
    ...messages,
    onTaken: () => context.abandon(runTaken()),
    onLost: (error) => {
      fate.isLost = true;
      messages.onLost?.(error);
    },
  };
}

/** Staged files belong to the other process now: discarding them would take them away from it. */
function runTaken(): LakeportError {
  return new LakeportError({
    code: 'RUN_TAKEN',
    message:
      'Another process has resumed this run or taken over its sync while this one was not responding, or the lock of the sync was released; this process stops',
    hint: 'lakeport status shows which process owns the run, lakeport lxdb locks which run works on a stored sync.',
  });
}
