import { mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { LakeportError } from '../errors.js';
import type { LogEvent, LogFields, LogFormat, LogLevel, LogSink } from './log.js';
import type { Output, Paint } from './output.js';
import { printable, printableLines } from './printable.js';

/** Events on stderr: for a person on a terminal, or a line with its time elsewhere. */
export function outputSink(output: Output, options: { readonly level: LogLevel; readonly format: LogFormat }): LogSink {
  const { level, format } = options;
  const form = format === 'json' ? jsonLine : output.isTerminal ? terminalLines : textLine;
  return { level, write: (event) => output.write(`${form(event, output)}\n`) };
}

/**
 * Events in `lakeport_<run_id>.log`; the directory is made where it is missing.
 * @throws LakeportError of class `usage` where the file can't be written
 */
export function fileSink(options: {
  readonly directory: string;
  readonly runId: string;
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Told once where writing fails later on; the run goes on. */
  readonly onFailure: (error: Error) => void;
}): LogSink {
  const { level, format, onFailure } = options;
  const path = join(options.directory, `lakeport_${options.runId}.log`);
  let file = openLog(options.directory, path);
  return {
    level,
    write: (event) => {
      if (file === undefined) return;
      try {
        writeSync(file, `${format === 'json' ? jsonLine(event) : textLine(event)}\n`);
      } catch (error) {
        file = undefined;
        onFailure(error instanceof Error ? error : new Error(String(error)));
      }
    },
  };
}

function openLog(directory: string, path: string): number | undefined {
  try {
    mkdirSync(directory, { recursive: true });
    return openSync(path, 'a', 0o640);
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new LakeportError({
      code: 'LOG_DIR_NOT_WRITABLE',
      exit: 'usage',
      message: `The log file ${path} can't be written (${reason})`,
      hint: 'Give a directory that you may write to with --log_dir.',
      context: { path, detail: '--log_dir' },
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

function terminalLines({ level, message, fields }: LogEvent, output: Output): string {
  const { hint, ...others } = fields;
  // The code is for programs.
  const rest = Object.fromEntries(Object.entries(others).filter(([name]) => name !== 'code'));
  const lines = [`${output.paint(PAINTS[level], `${level.toLowerCase()}:`)} ${printableLines(message)}${pairs(rest)}`];
  if (typeof hint === 'string') lines.push(`${output.paint('cyan', 'hint:')} ${printable(hint)}`);
  return lines.join('\n');
}

function textLine({ time, level, message, fields }: LogEvent): string {
  return `${time.toISOString()} ${level.padEnd(8)} ${printableLines(message)}${pairs(fields)}`;
}

function jsonLine({ time, level, message, fields }: LogEvent): string {
  return JSON.stringify({ time: time.toISOString(), level, message, ...fields });
}

/** ` name=value` for each field with a plain value. */
function pairs(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? textValue(value) : String(value)}`)
    .join('');
}

function textValue(value: string): string {
  return /^[\w.:/@%+-]+$/.test(value) ? value : printable(JSON.stringify(value));
}
