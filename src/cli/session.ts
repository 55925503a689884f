import type { RunObserver } from '../export/observer.js';
import { VERSION } from '../version.js';
import type { CliContext } from './context.js';
import { asFailure, exitCodeOf, writeFailureDocument } from './failure.js';
import type { Log } from './log.js';
import { LogObserver } from './log-observer.js';
import { openLog, wantsDisplay, type LoggingSettings } from './logging.js';
import { combineObservers } from './observers.js';
import type { ProgressDisplay } from './progress-display.js';

export interface SessionOptions {
  /** As it stands in JSON documents. */
  readonly command: string;
  readonly runId: string;
  readonly logging: LoggingSettings;
  /** The result goes to stdout as one JSON document. */
  readonly json: boolean;
  readonly context: CliContext;
}

/** A sentence, and what else scripts may want to know. */
export interface Warning {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** What a person sees of a command while it works. */
export class Session {
  readonly log: Log;
  readonly observer: RunObserver;
  /** What was warned of so far, for documents. */
  readonly warnings: Warning[] = [];
  readonly #logObserver: LogObserver;
  readonly #display: ProgressDisplay | undefined;

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
 * Runs a command with its log and display. What it throws is shown and logged once, here.
 * @returns the exit code
 * @throws LakeportError of class `usage` where the log can't be opened
 */
export async function withSession(
  options: SessionOptions,
  body: (session: Session) => Promise<number>,
): Promise<number> {
  const { context, logging, runId } = options;
  const log = openLog(logging, context, runId);
  if (logging.banner) {
    if (wantsDisplay(logging, context)) context.stderr.write(`${context.stderr.paint('dim', `lakeport ${VERSION}`)}\n`);
    else log.write('INFO', `lakeport ${VERSION}, run ${runId}`, { event: 'started', run_id: runId });
  }
  const session = new Session(log, await openDisplay(options));
  const onAbort = () => {
    session.say('ending: what is staged is withdrawn');
    log.write('WARNING', 'Ending: what is staged is withdrawn. A second signal ends at once.', {
      event: 'interrupted',
    });
  };
  context.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await body(session);
  } catch (thrown) {
    session.stop();
    const error = asFailure(thrown);
    log.error(error, 'CRITICAL');
    if (options.json) writeFailureDocument(error, options.command, context);
    return exitCodeOf(error);
  } finally {
    context.signal.removeEventListener('abort', onAbort);
    session.stop();
  }
}

async function openDisplay({ logging, context }: SessionOptions): Promise<ProgressDisplay | undefined> {
  if (!wantsDisplay(logging, context)) return undefined;
  const { ProgressDisplay } = await import('./progress-display.js');
  return new ProgressDisplay(context.stderr);
}
