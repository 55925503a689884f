import { didYouMean } from '../../text/did-you-mean.js';
import { type Command, defaultCommand, flagsOf, typedCommand, unknownCommand } from './commands.js';
import { type Flag, spelling } from './flag.js';
import { ALL_FLAGS, FLAGS } from './flags.js';
import { ParsedFlags } from './parsed-flags.js';
import { usageError } from './usage-error.js';

export interface CommandLine {
  readonly command: Command;
  /** As it was typed: one of its names. */
  readonly word: string;
  readonly flags: ParsedFlags;
  /** Words that are neither flags nor values, without the command. */
  readonly operands: readonly string[];
}

const LONG_NAMES = new Map<string, Flag>();
const SHORT_NAMES = new Map<string, Flag>();
for (const flag of ALL_FLAGS) {
  for (const name of [flag.name, ...(flag.aliases ?? [])]) LONG_NAMES.set(name.replaceAll('_', '-'), flag);
  if (flag.short !== undefined) SHORT_NAMES.set(flag.short, flag);
}

/**
 * Finds the command and its flags, in any spelling.
 * @throws LakeportError of class `usage` for an unknown flag or command, with the nearest one; values are not checked
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const [first, ...rest] = argv;
  if (first === 'help') return parseCommandLine([...rest, '--help']);
  const words = new WordReader(argv);
  words.readAll();
  const flags = new ParsedFlags(words.values);
  // The command may come after flags: `lakeport -a auth.json plan`.
  const [operand, ...operands] = words.operands;
  const command = typedCommand(operand) ?? defaultCommand();
  if (operand !== undefined && command === defaultCommand()) throw unknownCommand(operand);
  if (!flags.has(FLAGS.help) && !flags.has(FLAGS.version)) checkWords({ command, flags, operands });
  return { command, word: operand ?? command.name, flags, operands };
}

function checkWords({ command, flags, operands }: Omit<CommandLine, 'word'>): void {
  const known = new Set(flagsOf(command, operands).map(({ name }) => name));
  const words = command === defaultCommand() ? [] : [command.name, ...(command.commands ? operands.slice(0, 1) : [])];
  const name = ['lakeport', ...words].join(' ');
  const other = ALL_FLAGS.find((flag) => flags.has(flag) && !known.has(flag.name));
  if (other !== undefined) {
    throw usageError({
      code: 'UNKNOWN_FLAG',
      message: `${name} takes no flag ${spelling(other)}`,
      hint: `${name} --help lists its flags.`,
      flag: spelling(other),
    });
  }
  const [stray] = command.commands === undefined ? operands : operands.slice(1);
  if (stray === undefined || (command.operands === 'any' && command.commands === undefined)) return;
  throw usageError({
    code: 'BAD_USAGE',
    message: `${name} takes flags only`,
    hint: `${name} --help lists them; a value with spaces needs quotes.`,
  });
}

/** One pass over the words of a command line. */
class WordReader {
  /** By the flags' own names. */
  readonly values = new Map<string, readonly string[]>();
  readonly operands: string[] = [];
  readonly #argv: readonly string[];
  /** Of the first operand, whose flags follow it. */
  #command: Command | undefined;
  #at = 0;

  constructor(argv: readonly string[]) {
    this.#argv = argv;
  }

  readAll(): void {
    for (let word = this.#next(); word !== undefined; word = this.#next()) {
      if (word === '--') {
        this.operands.push(...this.#argv.slice(this.#at));
        return;
      }
      if (word.startsWith('--')) this.#long(word);
      else if (word.length > 1 && word.startsWith('-')) this.#short(word);
      else {
        if (this.operands.length === 0) this.#command = typedCommand(word);
        this.operands.push(word);
      }
    }
  }

  #next(): string | undefined {
    return this.#argv[this.#at++];
  }

  #long(word: string): void {
    const equals = word.indexOf('=');
    const written = equals < 0 ? word : word.slice(0, equals);
    const flag = longFlag(written, this.#command);
    if (flag === undefined) throw unknownFlag(written);
    this.#take(flag, written, equals < 0 ? undefined : word.slice(equals + 1));
  }

  #short(word: string): void {
    const written = word.slice(0, 2);
    const flag = shortFlag(word.slice(1, 2), this.#command);
    if (flag === undefined || (flag.value === undefined && word.length > 2)) throw unknownFlag(word);
    this.#take(flag, written, word.length > 2 ? word.slice(2).replace(/^=/, '') : undefined);
  }

  #take(flag: Flag, written: string, joined: string | undefined): void {
    if (flag.value === undefined) {
      if (joined !== undefined) {
        throw usageError({ code: 'SURPLUS_VALUE', message: `${written} takes no value`, flag: written });
      }
      this.values.set(flag.name, []);
      return;
    }
    const value = joined ?? this.#next();
    // `--include --json` means a forgotten value, not a table of that name.
    const forgotten =
      value === undefined ||
      (joined === undefined &&
        value.startsWith('--') &&
        longFlag(value.replace(/=.*/s, ''), this.#command) !== undefined);
    if (forgotten) {
      throw usageError({
        code: 'MISSING_VALUE',
        message: `${written} needs a value`,
        hint: `Write ${written} ${flag.value}.`,
        flag: written,
      });
    }
    this.values.set(flag.name, [...(this.values.get(flag.name) ?? []), value]);
  }
}

/** A word's flag and the value joined to it; undefined if the word is not a known flag. @param command in whose words it is */
export function lookUpFlag(
  word: string,
  command?: Command,
): { readonly flag: Flag; readonly takesValue: boolean; readonly joined: string | undefined } | undefined {
  if (!word.startsWith('-') || word === '-') return undefined;
  const isLong = word.startsWith('--');
  const [written = '', ...values] = isLong ? word.split('=') : [word.slice(0, 2), word.slice(2)];
  const flag = isLong ? longFlag(written, command) : shortFlag(written.slice(1), command);
  if (flag === undefined) return undefined;
  const joined = values.join('=');
  return { flag, takesValue: flag.value !== undefined, joined: joined === '' ? undefined : joined };
}

function longFlag(written: string, command: Command | undefined): Flag | undefined {
  const name = written.slice(2).replaceAll('_', '-');
  return command?.ownFlags?.find((flag) => flag.name === name) ?? LONG_NAMES.get(name);
}

function shortFlag(letter: string, command: Command | undefined): Flag | undefined {
  return command?.ownFlags?.find((flag) => flag.short === letter) ?? SHORT_NAMES.get(letter);
}

function unknownFlag(written: string): Error {
  const near = written.startsWith('--')
    ? didYouMean(written.slice(2).replaceAll('_', '-'), LONG_NAMES.keys())
    : undefined;
  return usageError({
    code: 'UNKNOWN_FLAG',
    message: `There is no flag ${written}${near === undefined ? '' : `; did you mean --${near}?`}`,
    hint: 'lakeport --help lists all flags.',
    flag: written,
  });
}
