import { Command, CommanderError, Option } from 'commander';

import { VERSION } from '../../version.js';
import type { CommandLine } from './command-line.js';
import { CHECK_FLAGS, EXPORT_FLAGS, type Flag, RUNS_FLAGS, STATUS_FLAGS } from './flags.js';
import { ParsedFlags } from './parsed-flags.js';
import { EXAMPLES, INTRODUCTIONS, USAGE } from './help-texts.js';
import { usageError } from './usage-error.js';

/** What is left to do after parsing: show a text, or run a command. */
export type Invocation =
  | { readonly kind: 'show'; readonly text: string }
  | { readonly kind: 'run'; readonly flags: ParsedFlags; readonly operands: readonly string[] };

type ProgramName = keyof typeof USAGE;

const FLAGS: Readonly<Record<ProgramName, readonly Flag[]>> = {
  export: EXPORT_FLAGS,
  plan: EXPORT_FLAGS,
  check: CHECK_FLAGS,
  runs: RUNS_FLAGS,
  status: STATUS_FLAGS,
};

/**
 * @param options.columns width of the help
 * @throws LakeportError of class `usage`
 */
export function parseCommandLine(line: CommandLine, options: { readonly columns?: number } = {}): Invocation {
  const name = isProgramName(line.command) ? line.command : 'export';
  if (line.words.includes('--version')) return { kind: 'show', text: `lakeport ${VERSION}\n` };
  const command = commandOf(name, options.columns ?? Infinity);
  if (line.words.includes('--help')) return { kind: 'show', text: helpText(command, name) };
  try {
    command.parse(line.words, { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? asUsageError(error, name) : error;
  }
  return { kind: 'run', flags: givenFlags(command), operands: command.args };
}

function isProgramName(command: string): command is ProgramName {
  return Object.hasOwn(USAGE, command);
}

/** Usage, what there is to know, flags by their headings, examples. */
function helpText(command: Command, name: ProgramName): string {
  const [usage = '', ...flags] = command.helpInformation().split('\n\n');
  return `${[usage, ...INTRODUCTIONS[name], ...flags].join('\n\n')}\n${EXAMPLES[name]}\n`;
}

/** Texts in between are made for it. */
const HELP_COLUMNS = 80;

function commandOf(name: ProgramName, columns: number): Command {
  const flags = FLAGS[name];
  const terms = new Map(flags.map((flag) => [`--${flag.name}`, termOf(flag)]));
  const command = new Command(name === 'export' ? 'lakeport' : `lakeport ${name}`)
    .usage(USAGE[name])
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({
      helpWidth: Math.max(HELP_COLUMNS, Number.isFinite(columns) ? columns : 0),
      optionTerm: (option) => terms.get(option.long ?? '') ?? option.flags,
    })
    .allowExcessArguments(name === 'check' || name === 'status');
  for (const flag of byGroup(flags)) command.addOption(optionOf(flag));
  return command;
}

/** Flags of the same heading side by side, headings and flags otherwise in the order of the table. */
function byGroup(flags: readonly Flag[]): Flag[] {
  const groups = new Map<string, Flag[]>();
  for (const flag of flags) groups.set(flag.group, [...(groups.get(flag.group) ?? []), flag]);
  return [...groups.values()].flat();
}

function optionOf(flag: Flag): Option {
  const option = new Option(`--${flag.name}${flag.value === undefined ? '' : ' <value>'}`, descriptionOf(flag));
  option.helpGroup(`${flag.group}:`);
  if (flag.value === undefined) return option;
  return option.argParser((value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value]);
}

function termOf(flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return `${short}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
}

function descriptionOf(flag: Flag): string {
  const aliases = (flag.aliases ?? []).map((alias) => `--${alias}`).join(', ');
  const also = aliases === '' ? '' : `; also ${aliases}`;
  return `${flag.help}${also}${flag.standing === 'later' ? ' (not available yet)' : ''}`;
}

function givenFlags(command: Command): ParsedFlags {
  return new ParsedFlags(new Map(Object.entries(command.opts<Record<string, readonly string[] | true>>())));
}

function asUsageError(error: CommanderError, name: ProgramName): Error {
  const flag = /'--(\w+)/.exec(error.message)?.[1];
  if (error.code === 'commander.unknownOption' && flag !== undefined) {
    return usageError({
      code: 'UNKNOWN_FLAG',
      message: `lakeport ${name} takes no flag --${flag}`,
      hint: `lakeport ${name} --help lists its flags.`,
      flag: `--${flag}`,
    });
  }
  if (error.code === 'commander.excessArguments') {
    return usageError({
      code: 'BAD_USAGE',
      message: `lakeport ${name} takes flags only`,
      hint: `lakeport ${name} --help lists them; a value with spaces needs quotes.`,
    });
  }
  return usageError({
    code: 'BAD_USAGE',
    message: error.message.replace(/^error: /, ''),
    hint: 'See lakeport --help.',
  });
}
