import { FLAGS } from '../flags/flags.js';
import type { CliContext } from '../context.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { Log, type LogFormat, type LogLevel, type LogSink } from './event-log.js';
import { fileSink, outputSink } from './sinks.js';

/** What the command line says about log and display. */
export interface LoggingSettings {
  /** Undefined where it was not given. */
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
  // Its value is in use already, since a signal may have come before this; here it is only checked.
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

/** Columns of a terminal on which a display would be all dots. */
const TOO_NARROW = 20;

/** A display is for a person who looks at a terminal that can move its cursor. */
export function wantsDisplay(settings: LoggingSettings, { stderr, environment }: CliContext): boolean {
  const moving = stderr.isTerminal && environment['TERM'] !== 'dumb' && environment['CI'] === undefined;
  return moving && stderr.columns > TOO_NARROW && settings.progress && settings.format === 'text';
}

/** @throws LakeportError where the log file can't be written */
export function openEventLog(settings: LoggingSettings, context: CliContext, runId: string): Log {
  const { format, directory } = settings;
  const level = settings.level ?? 'INFO';
  // A display shows by itself what happens; beside it, only what needs attention is worth a line.
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
