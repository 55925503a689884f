import { parseDuration } from '../../text/units.js';
import { DEFAULT_GRACE_MS, WORKER_GRACE_MS } from '../../runtime/interruption.js';
import { lookUpFlag } from './command-line.js';
import { type CommandName, typedCommand } from './commands.js';
import { FLAGS } from './flags.js';
import type { Flag } from './flag.js';
import type { LogFormat } from '../logging/event-log.js';

/** The output that a command line asks for, whatever else is wrong with it: usage errors take this form too. */
export interface OutputRequest {
  /** Name in JSON documents. */
  readonly command: CommandName | 'init_db';
  /** Print one document on stdout. */
  readonly json: boolean;
  /** Format of the log. */
  readonly format: LogFormat;
  /** Show the stacks of errors. */
  readonly debug: boolean;
  /** As given, unchecked. */
  readonly runId: string | undefined;
  /** Time for cleanup after a signal. */
  readonly graceMs: number;
}

/** Reads as much as possible. Never throws. */
export function outputRequest(argv: readonly string[]): OutputRequest {
  const words = argv[0] === 'help' ? argv.slice(1) : argv;
  const values = new Map<Flag, string>();
  let operand: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    const found = lookUpFlag(word, typedCommand(operand));
    if (found === undefined) {
      if (!word.startsWith('-')) operand ??= word;
      continue;
    }
    const { flag, takesValue, joined } = found;
    if (takesValue && joined === undefined) at++;
    values.set(flag, joined ?? (takesValue ? (words[at] ?? '') : ''));
  }
  const grace = parseDuration(values.get(FLAGS.graceMs) ?? '');
  const command = commandOf(operand, values);
  const usualMs = command === 'work' ? WORKER_GRACE_MS : DEFAULT_GRACE_MS;
  return {
    command,
    json: values.has(FLAGS.json),
    format: values.get(FLAGS.logFormat)?.toLowerCase() === 'json' ? 'json' : 'text',
    debug: values.get(FLAGS.logLevel)?.toUpperCase() === 'DEBUG',
    runId: values.get(FLAGS.runId),
    graceMs: grace === undefined || grace <= 0 ? usualMs : grace,
  };
}

function commandOf(operand: string | undefined, values: ReadonlyMap<Flag, string>): OutputRequest['command'] {
  const typed = typedCommand(operand);
  if (typed !== undefined) return typed.name;
  if (values.has(FLAGS.dryRun)) return 'plan';
  return values.has(FLAGS.initDb) && !values.has(FLAGS.resume) ? 'init_db' : 'export';
}
