import { FLAGS } from '../flags/flags.js';
import type { CliContext } from '../context.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { Log, type LogFormat, type LogLevel, type LogSink } from './event-log.js';
import { fileSink, outputSink } from './sinks.js';

/** Settings of log and display from the command line. */
export interface LoggingSettings {
  /** Undefined if it was not given. */
  readonly level: LogLevel | undefined;
  readonly format: LogFormat;
  readonly directory: string | undefined;
  readonly progress: boolean;
  readonly banner: boolean;
  readonly quiet: boolean;
}

/** @throws LakeportError of class `usage` */
export function readLoggingSettings(flags: ParsedFlags): LoggingSettings {
  const quiet = flags.get(FLAGS.quiet);
  // Only checked here: the value is already in use, since a signal may arrive before this.
  flags.get(FLAGS.graceMs);
  return {
    level: flags.get(FLAGS.logLevel),
    format: flags.get(FLAGS.logFormat),
    directory: flags.get(FLAGS.logDirectory),
    progress: !quiet && !flags.get(FLAGS.noProgress),
    banner: !quiet && !flags.get(FLAGS.noBanner),
    quiet,
  };
}

/** On a terminal of so few columns, a display would be all dots. */
const TOO_NARROW = 20;

/** A display needs a person at a terminal that can move its cursor. */
export function wantsDisplay(settings: LoggingSettings, { stderr, environment }: CliContext): boolean {
  const moving = stderr.isTerminal && environment['TERM'] !== 'dumb' && environment['CI'] === undefined;
  return moving && stderr.columns > TOO_NARROW && settings.progress && settings.format === 'text';
}

/** @throws LakeportError if the log file can't be written */
export function openEventLog(settings: LoggingSettings, context: CliContext, runId: string): Log {
  const { format, directory } = settings;
  const level = settings.level ?? 'INFO';
  // The display already shows the progress, so only log what needs attention.
  const shown = settings.quiet ? 'ERROR' : wantsDisplay(settings, context) ? 'WARNING' : 'INFO';
  const sinks: LogSink[] = [outputSink(context.stderr, { level: settings.level ?? shown, format })];
  const log = new Log({ sinks, redactor: context.redactor, runId });
  if (directory !== undefined) {
    const onFailure = (message: string) => {
      context.log.isIncomplete = true;
      log.write('ERROR', message, { event: 'log_file_failed' });
    };
    sinks.push(fileSink({ directory, runId, level, format, onFailure }));
  }
  return log;
}
