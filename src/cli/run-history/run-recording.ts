import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import type { SourceDatabase } from '../../export/export.js';
import { graceLeft, raceAbort, withinGrace } from '../../runtime/interruption.js';
import type { RunObserver } from '../../export/model/observer.js';
import type { ExportOptions } from '../../export/model/options.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { ActiveRun, LogListener, RunHistory, RunLog, RecordedOverride } from '../../runlog/index.js';
import type { CliContext } from '../context.js';
import { type LogFlags, openRunLogFromFlags } from '../flags/runlog-flags.js';
import { combineObservers } from '../logging/combine-observers.js';
import { recordedSettings, type RecordedSettings } from './recorded-options.js';
import { refuseTargetInUse } from './target-in-use.js';

export interface RunRecordingOptions {
  readonly log: LogFlags;
  readonly auth: AuthFile;
  readonly context: CliContext;
  /** Is told what happens to the log. */
  readonly observer: Pick<RunObserver, 'message'>;
}

/** One export on its way into the run log. */
export class RunRecording {
  readonly observer: RunObserver;
  /** What an earlier process has done of the run; undefined for a new one. */
  readonly earlier: RunHistory | undefined;
  readonly #log: RunLog;
  readonly #run: ActiveRun;
  readonly #options: RunRecordingOptions;
  readonly #export: ExportOptions;
  readonly #settings: RecordedSettings;
  readonly #fate: { isLost: boolean };
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
    },
  ) {
    this.#fate = run.fate;
    this.#options = options;
    this.#log = run.log;
    this.#run = run.logged;
    this.#export = run.export;
    this.#settings = run.settings;
    this.earlier = run.earlier;
    this.observer = combineObservers({ planned: () => (this.#isPlanned = true) }, run.logged.recorder);
  }

  /**
   * Opens the log and begins a run in it.
   * @returns undefined where the log of this user can't be used, which nobody asked for by name: the run goes unlogged
   * @throws LakeportError where the log has a run of this id, or the log that was asked for can't be used
   */
  static async begin(
    options: RunRecordingOptions,
    run: { readonly export: ExportOptions; readonly commandLine: string; readonly target: string },
  ): Promise<RunRecording | undefined> {
    const { auth, context, log: flags } = options;
    const settings = recordedSettings(run.export, { auth, redactor: context.redactor });
    let log: RunLog | undefined;
    try {
      log = await openRunLogFromFlags(flags, { auth, context, threaded: true });
      const { runId, startedAt, sourceId } = run.export;
      const sourceType = auth.database(sourceId).engine;
      const { commandLine, target } = run;
      const { envName } = flags;
      const fate = { isLost: false };
      const beginning = log.begin(
        { runId, startedAt, commandLine, settings, target, envName, sourceType },
        await listenerOf(options, fate),
      );
      const logged = await raceAbort(context.signal, beginning);
      return new RunRecording(options, { log, logged, export: run.export, settings, earlier: undefined, fate });
    } catch (thrown) {
      await log?.close();
      const error = LakeportError.from(thrown);
      if (flags.isAsked || error.exit !== 'unreachable') throw error;
      const fields = { code: error.code, ...(error.hint !== undefined && { hint: error.hint }) };
      options.observer.message?.('warning', `${error.message}. This run is not logged, and can't be resumed.`, fields);
      return undefined;
    }
  }

  /**
   * Takes over an earlier run.
   * @param log is closed by the record, or where this fails
   * @throws LakeportError where there is nothing to be finished, or a living process holds the run
   */
  static async resume(
    options: RunRecordingOptions,
    run: { readonly log: RunLog; readonly export: ExportOptions },
  ): Promise<RunRecording> {
    const { log } = run;
    const fate = { isLost: false };
    const { auth, context } = options;
    const resuming = log.resume(run.export.runId, await listenerOf(options, fate));
    const { run: logged, history } = await raceAbort(context.signal, resuming);
    const settings = recordedSettings(run.export, { auth, redactor: context.redactor });
    return new RunRecording(options, { log, logged, export: run.export, settings, earlier: history, fate });
  }

  /** Of the log, for people. */
  get address(): string {
    return this.#log.address;
  }

  /** True where the log has what finishing the run takes; for certain only after `close`. */
  get isResumable(): boolean {
    return this.#isPlanned && this.#settings.hidden.length === 0 && !this.#fate.isLost;
  }

  /**
   * The user's own settings for tables of the source.
   * @throws LakeportError where the log that was asked for can't be read
   */
  async tableSettings(of: SourceDatabase): Promise<readonly RecordedOverride[]> {
    const { log: flags, observer } = this.#options;
    try {
      return await this.#log.tableSettings({ ...of, envName: this.earlier?.run.envName ?? flags.envName });
    } catch (thrown) {
      const error = LakeportError.from(thrown);
      if (flags.isAsked) throw error;
      observer.message?.('warning', `${error.message}. Settings of partition_columns are not heeded.`);
      return [];
    }
  }

  /** @throws LakeportError where another run writes to the same place */
  async beforeWriting(plan: RunPlan): Promise<void> {
    const { runId, startedAt } = this.#export;
    // What a log in trouble can't tell, the marker in the target does.
    const living = await this.#log.livingRuns({ except: runId }).catch(() => []);
    refuseTargetInUse({ runId, startedAt, settings: this.#settings, plan }, living);
  }

  /** The run came to no result. A mistake that was found before anything was planned leaves no trace. */
  async failed(error: LakeportError): Promise<void> {
    const isRefused = error.exit === 'usage' || error.exit === 'in-use';
    if (isRefused && !this.#isPlanned && this.earlier === undefined) await this.#run.withdraw();
    else this.#run.recorder.failed(error);
  }

  /** The last call: waits until all is written, after a signal for the rest of its grace at most. Never throws. */
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

/** What is staged belongs to the other process: withdrawing it would take it away from that one. */
function runTaken(): LakeportError {
  return new LakeportError({
    code: 'RUN_TAKEN',
    message: 'Another process has resumed this run while this one did not answer: it ends here, and the other goes on',
    hint: 'lakeport status shows which process has the run.',
  });
}
