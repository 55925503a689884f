import type { RunObserver } from '../export/model/observer.js';
import { VERSION } from '../version.js';
import type { CliContext } from './context.js';
import { asFailure, exitCodeOf, showFailure } from './reports/failure.js';
import type { Log } from './logging/event-log.js';
import { LogObserver } from './logging/log-observer.js';
import { openEventLog, wantsDisplay, type LoggingSettings } from './logging/open-event-log.js';
import { combineObservers } from './logging/combine-observers.js';
import type { ProgressDisplay } from './terminal/progress-display.js';
import type { Warning } from './reports/warning.js';

export interface SessionOptions {
  /** Name in JSON documents. */
  readonly command: string;
  /** Names the log file, also for commands that are not runs. */
  readonly runId: string;
  readonly logging: LoggingSettings;
  /** The result goes to stdout as one JSON document. */
  readonly json: boolean;
  readonly context: CliContext;
}

/** The log and display of a command while it runs. */
export class Session {
  readonly log: Log;
  readonly observer: RunObserver;
  /** Warnings so far, for documents. */
  readonly warnings: Warning[] = [];
  readonly #logObserver: LogObserver;
  readonly #display: ProgressDisplay | undefined;
  #runId: string | undefined;

  constructor(log: Log, display: ProgressDisplay | undefined) {
    this.log = log;
    this.#logObserver = new LogObserver(log);
    this.#display = display;
    const collector: RunObserver = {
      message: (level, message, fields) => {
        if (level === 'warning') this.warnings.push({ ...fields, message });
      },
    };
    this.observer = combineObservers(this.#logObserver, collector, ...(display === undefined ? [] : [display]));
  }

  /** The run that the command makes, finishes or shows; undefined for other commands, and until it is known. */
  get runId(): string | undefined {
    return this.#runId;
  }

  /** Names the run, for the log and for the document of an error. */
  aboutRun(runId: string): void {
    this.#runId = runId;
    this.log.runId = runId;
  }

  /** Starts the display, if there is one. */
  start(): void {
    this.#display?.start();
  }

  say(text: string): void {
    this.#display?.say(text);
  }

  /** Clears the terminal for the result. May be called again. */
  stop(): void {
    this.#logObserver.stop();
    this.#display?.stop();
  }
}

/**
 * Runs a command with its log and display. Its errors are shown and logged once, here.
 * @returns the exit code
 * @throws LakeportError if the log can't be opened
 */
export async function withSession(
  options: SessionOptions,
  body: (session: Session) => Promise<number>,
): Promise<number> {
  const { context, logging, runId } = options;
  const log = openEventLog(logging, context, runId);
  const leaveLog = context.log.use(log);
  if (logging.banner) {
    if (wantsDisplay(logging, context)) context.stderr.write(`${context.stderr.paint('dim', `lakeport ${VERSION}`)}\n`);
    else
      log.write('INFO', `lakeport ${VERSION}, run ${runId}`, {
        event: 'started',
        command: options.command,
        version: VERSION,
      });
  }
  const session = new Session(log, await openDisplay(options));
  // Other commands stage none.
  const work = options.command === 'export' ? ': removing staged files' : '';
  const onAbort = () => {
    session.say(`ending${work}`);
    log.write('WARNING', `Ending${work}. A second signal ends the program at once.`, {
      event: 'interrupted',
    });
  };
  context.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return context.log.exitCode(await body(session));
  } catch (thrown) {
    session.stop();
    const error = asFailure(thrown);
    showFailure(error, context, { ...options, runId: session.runId });
    return exitCodeOf(error);
  } finally {
    context.signal.removeEventListener('abort', onAbort);
    session.stop();
    leaveLog();
  }
}

async function openDisplay({ logging, context }: SessionOptions): Promise<ProgressDisplay | undefined> {
  if (!wantsDisplay(logging, context)) return undefined;
  const { ProgressDisplay } = await import('./terminal/progress-display.js');
  return new ProgressDisplay(context.stderr, context.environment);
}
