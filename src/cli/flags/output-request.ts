import { parseDuration } from '../../text/units.js';
import { DEFAULT_GRACE_MS } from '../../runtime/interruption.js';
import { type CommandName, lookUpFlag, TYPED_COMMANDS } from './command-line.js';
import type { LogFormat } from '../logging/event-log.js';

/** What a command line asks of its output, whatever else is wrong with it: errors of flags are told in that form too. */
export interface OutputRequest {
  /** As it stands in JSON documents. */
  readonly command: CommandName | 'init_db';
  /** One document on stdout. */
  readonly json: boolean;
  /** Of the log. */
  readonly format: LogFormat;
  /** Stacks of errors are wanted. */
  readonly debug: boolean;
  /** As it was given. */
  readonly runId: string | undefined;
  /** Time to end after a signal. */
  readonly graceMs: number;
}

/** Reads what can be read of it. Never throws. */
export function outputRequest(argv: readonly string[]): OutputRequest {
  const words = argv[0] === 'help' ? argv.slice(1) : argv;
  const values = new Map<string, string>();
  let operand: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    const flag = lookUpFlag(word);
    if (flag === undefined) {
      if (!word.startsWith('-')) operand ??= word;
      continue;
    }
    const { joined } = flag;
    if (flag.takesValue && joined === undefined) at++;
    values.set(flag.name, joined ?? (flag.takesValue ? (words[at] ?? '') : ''));
  }
  const grace = parseDuration(values.get('grace') ?? '');
  return {
    command: commandOf(operand, values),
    json: values.has('json'),
    format: values.get('log_format')?.toLowerCase() === 'json' ? 'json' : 'text',
    debug: values.get('log_level')?.toUpperCase() === 'DEBUG',
    runId: values.get('run_id'),
    graceMs: grace === undefined || grace <= 0 ? DEFAULT_GRACE_MS : grace,
  };
}

function commandOf(operand: string | undefined, values: ReadonlyMap<string, string>): OutputRequest['command'] {
  const typed = TYPED_COMMANDS.find((name) => name === operand);
  if (typed !== undefined) return typed;
  if (values.has('dry_run')) return 'plan';
  return values.has('init_db') && !values.has('resume') ? 'init_db' : 'export';
}
