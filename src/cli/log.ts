import type { Redactor } from '../auth/redaction.js';
import { LakeportError } from '../errors.js';

/** From the least to the most serious. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFormat = 'text' | 'json';

export type LogFields = Readonly<Record<string, unknown>>;

/** One event a line. */
export interface LogEvent {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Where events go, from some level upwards. */
export interface LogSink {
  readonly level: LogLevel;
  write(event: LogEvent): void;
}

/** Hands events to its sinks, without secrets. */
export class Log {
  readonly #sinks: readonly LogSink[];
  readonly #redactor: Redactor;

  constructor(options: { readonly sinks: readonly LogSink[]; readonly redactor: Redactor }) {
    this.#sinks = options.sinks;
    this.#redactor = options.redactor;
  }

  /** True where somebody wants events of the level. */
  wants(level: LogLevel): boolean {
    return this.#sinks.some((sink) => reaches(level, sink.level));
  }

  write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (!this.wants(level)) return;
    const redacted = this.#redactor.redactData(fields);
    const event: LogEvent = {
      time: new Date(),
      level,
      message: this.#redactor.redact(message),
      // `redactData` gives an object for an object.
      fields: redacted as LogFields,
    };
    for (const sink of this.#sinks) if (reaches(level, sink.level)) sink.write(event);
  }

  /** An error with its code, place and hint; its stack only at DEBUG. */
  error(thrown: unknown, level: LogLevel = 'ERROR'): void {
    const error = LakeportError.from(thrown);
    const { code, hint, context } = error;
    this.write(level, error.message, { ...context, code, ...(hint === undefined ? {} : { hint }) });
    for (const line of stackLines(error)) this.write('DEBUG', line);
  }
}

/** The stacks of an error and its causes. */
function stackLines(error: Error): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  for (let current: unknown = error; current instanceof Error && !seen.has(current); current = current.cause) {
    seen.add(current);
    lines.push(...(current.stack ?? String(current)).split('\n'));
  }
  return lines;
}

function reaches(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
