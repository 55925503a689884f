import { duration, oneOf } from '../flags/flag-values.js';
import { localPath } from '../flags/path-flags.js';
import type { CliContext } from '../context.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { Log, LOG_LEVELS, type LogFormat, type LogLevel, type LogSink } from './event-log.js';
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
  const level = flags.value('log_level');
  const format = flags.value('log_format');
  const directory = flags.value('log_dir');
  const quiet = flags.has('quiet');
  // Its value is in use already, since a signal may have come before this; here it is only checked.
  const grace = flags.value('grace');
  if (grace !== undefined) duration({ flag: '--grace', value: grace });
  return {
    level: level === undefined ? undefined : oneOf({ flag: '--log_level', value: level }, LOG_LEVELS),
    format: format === undefined ? 'text' : oneOf<LogFormat>({ flag: '--log_format', value: format }, ['text', 'json']),
    directory: directory === undefined ? undefined : localPath({ flag: '--log_dir', value: directory }),
    progress: !quiet && !flags.has('no_progress'),
    banner: !quiet && !flags.has('no_banner'),
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
