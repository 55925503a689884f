import type { Redactor } from '../../auth/redaction.js';
import type { ErrorContext, LakeportError } from '../../errors.js';
import { printable } from '../../text/printable.js';

/** From least to most serious. CRITICAL ends the run. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFormat = 'text' | 'json';

export type LogFields = Readonly<Record<string, unknown>>;

/** One event, one line. */
export interface LogEvent {
  readonly time: Date;
  readonly level: LogLevel;
  /** Kind of event, for programs: `table_completed`. */
  readonly event: string;
  readonly message: string;
  readonly hint: string | undefined;
  /** For programs: only `json` shows them. */
  readonly fields: LogFields;
}

/** Receives events of a level and above. */
export interface LogSink {
  readonly level: LogLevel;
  write(event: LogEvent): void;
}

/** Names of events without a name of their own. */
const EVENT_OF_LEVEL: Readonly<Record<LogLevel, string>> = {
  DEBUG: 'message',
  INFO: 'message',
  WARNING: 'warning',
  ERROR: 'error',
  CRITICAL: 'failed',
};

/** Passes events to its sinks, without secrets. */
export class Log {
  readonly #sinks: readonly LogSink[];
  readonly #redactor: Redactor;
  /** Included in every event. */
  runId: string | undefined;

  constructor(options: {
    readonly sinks: readonly LogSink[];
    readonly redactor: Redactor;
    readonly runId?: string | undefined;
  }) {
    this.#sinks = options.sinks;
    this.#redactor = options.redactor;
    this.runId = options.runId;
  }

  /** @param fields may include `event`, the kind of event */
  write(level: LogLevel, message: string, fields: LogFields = {}, hint?: string): void {
    const sinks = this.#sinks.filter((sink) => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(sink.level));
    if (sinks.length === 0) return;
    const { event: name = EVENT_OF_LEVEL[level], ...others } = fields;
    const event: LogEvent = {
      time: new Date(),
      level,
      event: String(name),
      message: this.#redactor.redact(message),
      hint: hint === undefined ? undefined : this.#redactor.redact(hint),
      // `redactData` returns an object for an object.
      fields: this.#redactor.redactData({ run_id: this.runId, ...others }) as LogFields,
    };
    for (const sink of sinks) sink.write(event);
  }

  /** Writes an error with its place and hint; its stack only at DEBUG. */
  error(error: LakeportError, level: LogLevel = 'ERROR', fields: LogFields = {}): void {
    const { code, hint, context, message } = error;
    this.write(level, message + placeOf(message, context), { code, ...context, ...fields }, hint);
    for (const line of stackLines(error)) this.write('DEBUG', line);
  }
}

/** The place of the error, unless the message names it: ` (table public.orders, column price)`. */
function placeOf(message: string, { table, column, slice, path, entry }: ErrorContext): string {
  const places = Object.entries({ table, column, slice: slice?.toString(), path, entry })
    .filter(([, value]) => value !== undefined && !message.includes(value) && !message.includes(printable(value)))
    .map(([name, value]) => `${name} ${value ?? ''}`);
  return places.length === 0 ? '' : ` (${places.join(', ')})`;
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
