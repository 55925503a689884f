import { openSync } from 'node:fs';
import { join } from 'node:path';

import { LakeportError } from '../../errors.js';
import { makeDirectory } from '../../runtime/make-directory.js';
import { systemReason } from '../../runtime/system-reason.js';
import type { LogEvent, LogFormat, LogLevel, LogSink } from './event-log.js';
import { type Output, type Paint, writeWhole } from '../terminal/output.js';
import { printable, printableLines } from '../../text/printable.js';

/** Events on stderr: human-readable on a terminal and for fatal errors, otherwise lines with a timestamp. */
export function outputSink(output: Output, options: { readonly level: LogLevel; readonly format: LogFormat }): LogSink {
  const { level, format } = options;
  const text = (event: LogEvent) =>
    output.isTerminal || event.level === 'CRITICAL' ? personLines(event, output) : textLine(event);
  return { level, write: (event) => output.write(`${format === 'json' ? jsonLine(event) : text(event)}\n`) };
}

/**
 * Events in `lakeport_<run_id>.log`; creates the directory if needed.
 * @throws LakeportError if the file can't be written, of class `unreachable` for a full disk
 */
export function fileSink(options: {
  readonly directory: string;
  readonly runId: string;
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Called once if writing fails later; the run continues. */
  readonly onFailure: (message: string) => void;
}): LogSink {
  const { level, format, onFailure } = options;
  const path = join(options.directory, `lakeport_${options.runId}.log`);
  let file: number | undefined = openLogFile(options.directory, path);
  return {
    level,
    write: (event) => {
      if (file === undefined) return;
      try {
        writeWhole(file, `${format === 'json' ? jsonLine(event) : textLine(event)}\n`);
      } catch (error) {
        file = undefined;
        onFailure(`The log file ${path} can't be written any more: ${systemReason(error)}`);
      }
    },
  };
}

function openLogFile(directory: string, path: string): number {
  try {
    makeDirectory(directory);
    return openSync(path, 'a', 0o640);
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new LakeportError({
      code: 'LOG_DIR_NOT_WRITABLE',
      exit: ['ENOSPC', 'EDQUOT', 'EIO'].includes(errno) ? 'unreachable' : 'usage',
      message: `The log file ${path} can't be written: ${systemReason(cause)}`,
      hint: 'Give a directory that you may write to with --log-dir.',
      context: { path, detail: '--log-dir' },
      cause,
    });
  }
}

const PAINTS: Readonly<Record<LogLevel, Paint>> = {
  DEBUG: 'dim',
  INFO: 'cyan',
  WARNING: 'yellow',
  ERROR: 'red',
  CRITICAL: 'red',
};

/** An event for a person: `warning: …`, with the hint on a separate line. */
function personLines({ level, message, hint }: Pick<LogEvent, 'level' | 'message' | 'hint'>, output: Output): string {
  const label = level === 'CRITICAL' ? 'lakeport:' : `${level.toLowerCase()}:`;
  const lines = [`${output.paint(PAINTS[level], label)} ${printableLines(message)}`];
  if (hint !== undefined) lines.push(`${output.paint('cyan', 'hint:')} ${printable(hint)}`);
  return lines.join('\n');
}

function textLine({ time, level, message, hint }: LogEvent): string {
  // Lists in messages are indented by two; any other line break is part of a name.
  const text = message.replace(/:?\n {2}/g, '; ');
  return `${time.toISOString()} ${level.padEnd(8)} ${printable(text)}${hint === undefined ? '' : ` (hint: ${printable(hint)})`}`;
}

function jsonLine({ time, level, event, message, hint, fields }: LogEvent): string {
  return JSON.stringify({ time: time.toISOString(), level, event, message, hint, ...fields });
}
