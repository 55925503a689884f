import { didYouMean } from '../../text/did-you-mean.js';
import { CHECK_FLAGS, EXPORT_FLAGS, type Flag, RUNS_FLAGS, STATUS_FLAGS } from './flags.js';
import { usageError } from './usage-error.js';

export type CommandName = 'export' | 'plan' | 'check' | 'demo' | 'runs' | 'status' | 'verify';

/** The commands that are typed; `export` is what happens without one. */
export const TYPED_COMMANDS: readonly CommandName[] = ['plan', 'check', 'demo', 'runs', 'status', 'verify'];

/** Their arguments are not read here: they have their own, or none yet. */
const UNREAD: ReadonlySet<CommandName> = new Set(['demo', 'verify']);

export interface CommandLine {
  readonly command: CommandName;
  /** Every flag by its own long name, values joined to it by `=`; other words as they are. */
  readonly words: readonly string[];
}

/**
 * Finds the command, and brings every spelling of a flag (kebab-case, other names, short ones) to the flag's own name.
 * @throws LakeportError of class `usage` for an unknown flag or command, with the nearest one
 */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const [first = '', ...rest] = argv;
  if (first === 'help') return readCommandLine([...rest, '--help']);
  const typed = TYPED_COMMANDS.find((name) => name === first);
  if (typed !== undefined && UNREAD.has(typed)) return { command: typed, words: rest };
  const speller = new Speller(argv);
  const words = speller.words();
  // The command may stand behind flags: `lakeport -a auth.json plan`.
  const at = speller.operands.findIndex((operand) => TYPED_COMMANDS.some((name) => name === operand.word));
  const operand = speller.operands[at];
  const command = TYPED_COMMANDS.find((name) => name === operand?.word);
  if (operand !== undefined && command !== undefined && at === 0) {
    return { command, words: words.toSpliced(operand.index, 1) };
  }
  const [stray] = speller.operands;
  if (stray !== undefined) throw unknownCommand(stray.word);
  return { command: 'export', words };
}

function unknownCommand(word: string): Error {
  const near = didYouMean(word, TYPED_COMMANDS);
  return usageError({
    code: 'UNKNOWN_COMMAND',
    message: `There is no command ${JSON.stringify(word)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    hint: `Commands are ${TYPED_COMMANDS.join(', ')}; without one, lakeport exports. A value with spaces needs quotes.`,
  });
}

const LONG_NAMES = new Map<string, Flag>();
const SHORT_NAMES = new Map<string, Flag>();
for (const flag of [...EXPORT_FLAGS, ...CHECK_FLAGS, ...RUNS_FLAGS, ...STATUS_FLAGS]) {
  for (const name of [flag.name, ...(flag.aliases ?? [])]) LONG_NAMES.set(name, flag);
  if (flag.short !== undefined) SHORT_NAMES.set(flag.short, flag);
}

/** One pass over the words of a command line. */
class Speller {
  /** Words that are no flags and no values, with their places in the result. */
  readonly operands: { readonly word: string; readonly index: number }[] = [];
  readonly #argv: readonly string[];
  #at = 0;

  constructor(argv: readonly string[]) {
    this.#argv = argv;
  }

  words(): string[] {
    const words: string[] = [];
    for (let word = this.#next(); word !== undefined; word = this.#next()) {
      if (word === '--') {
        for (let rest = this.#next(); rest !== undefined; rest = this.#next()) {
          this.operands.push({ word: rest, index: words.push(rest) - 1 });
        }
      } else if (word.startsWith('--')) words.push(this.#long(word));
      else if (word.length > 1 && word.startsWith('-')) words.push(this.#short(word));
      else this.operands.push({ word, index: words.push(word) - 1 });
    }
    return words;
  }

  #next(): string | undefined {
    return this.#argv[this.#at++];
  }

  #long(word: string): string {
    const equals = word.indexOf('=');
    const written = equals < 0 ? word : word.slice(0, equals);
    const flag = longFlag(written);
    if (flag === undefined) throw unknownFlag(written);
    return this.#spell(flag, written, equals < 0 ? undefined : word.slice(equals + 1));
  }

  #short(word: string): string {
    const written = word.slice(0, 2);
    const flag = SHORT_NAMES.get(word.slice(1, 2));
    if (flag === undefined || (flag.value === undefined && word.length > 2)) throw unknownFlag(word);
    const joined = word.length > 2 ? word.slice(2).replace(/^=/, '') : undefined;
    return this.#spell(flag, written, joined);
  }

  #spell(flag: Flag, written: string, joined: string | undefined): string {
    if (flag.value === undefined) {
      if (joined === undefined) return `--${flag.name}`;
      throw usageError({ code: 'SURPLUS_VALUE', message: `${written} takes no value`, flag: written });
    }
    const value = joined ?? this.#next();
    // `--include --json` is a forgotten value rather than a table of that name.
    const forgotten =
      value === undefined ||
      (joined === undefined && value.startsWith('--') && longFlag(value.replace(/=.*/s, '')) !== undefined);
    if (!forgotten) return `--${flag.name}=${value}`;
    throw usageError({
      code: 'MISSING_VALUE',
      message: `${written} needs a value`,
      hint: `Write ${written} ${flag.value}.`,
      flag: written,
    });
  }
}

/** A word's flag, and the value that is joined to it; undefined for what is no flag, or none that is known. */
export function lookUpFlag(
  word: string,
): { readonly name: string; readonly takesValue: boolean; readonly joined: string | undefined } | undefined {
  if (!word.startsWith('-') || word === '-') return undefined;
  const isLong = word.startsWith('--');
  const [written = '', ...values] = isLong ? word.split('=') : [word.slice(0, 2), word.slice(2)];
  const flag = isLong ? longFlag(written) : SHORT_NAMES.get(written.slice(1));
  if (flag === undefined) return undefined;
  const joined = values.join('=');
  return { name: flag.name, takesValue: flag.value !== undefined, joined: joined === '' ? undefined : joined };
}

function longFlag(written: string): Flag | undefined {
  return LONG_NAMES.get(written.slice(2).replaceAll('-', '_'));
}

function unknownFlag(written: string): Error {
  const near = written.startsWith('--') ? didYouMean(written.slice(2), LONG_NAMES.keys()) : undefined;
  return usageError({
    code: 'UNKNOWN_FLAG',
    message: `There is no flag ${written}${near === undefined ? '' : `; did you mean --${near}?`}`,
    hint: 'lakeport --help lists all flags.',
    flag: written,
  });
}
