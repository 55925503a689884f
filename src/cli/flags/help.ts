import { helpOf } from './flag-help.js';
import { type Command, defaultCommand, TYPED_COMMANDS } from './commands.js';
import { type Flag, FLAG_GROUPS, spelling } from './flag.js';

/** The texts before and after the flags are laid out for this width. */
const LEAST_COLUMNS = 80;
/** Spaces between a flag and its help. */
const GAP = 2;

const SPELLING = 'Flags may also be written with _ for -, as in --output_dir.';

/**
 * Usage, introduction, flags by heading, examples.
 * @param options.columns width of the terminal
 */
export function helpText(command: Command, options: { readonly columns?: number } = {}): string {
  const { columns = LEAST_COLUMNS } = options;
  const width = Math.max(LEAST_COLUMNS, Number.isFinite(columns) ? columns : 0);
  const isDefault = command === defaultCommand();
  const usage = ['Usage: lakeport', isDefault ? '' : command.name, command.usage].filter((word) => word !== '');
  const paragraphs = [usage.join(' '), ...command.introduction];
  if (isDefault) paragraphs.push(commandList());
  if (command.flags.some(({ name }) => name.includes('_'))) paragraphs.push(SPELLING);
  for (const group of FLAG_GROUPS) {
    const flags = command.flags.filter((flag) => flag.group === group);
    if (flags.length > 0)
      paragraphs.push([`${group}:`, ...flagLines(flags, termWidth(command.flags), width)].join('\n'));
  }
  if (command.examples.length > 0) paragraphs.push(`Examples:\n  ${command.examples.join('\n  ')}`);
  return `${paragraphs.join('\n\n')}\n`;
}

function commandList(): string {
  const rows = [defaultCommand(), ...TYPED_COMMANDS].map(
    ({ synopsis, summary }) => [`lakeport ${synopsis}`, summary] as const,
  );
  rows.push(['lakeport -r RUN_ID -a FILE', 'finishes a run that failed or was interrupted']);
  const width = Math.max(...rows.map(([term]) => term.length));
  return ['Commands:', ...rows.map(([term, text]) => `  ${term.padEnd(width)}${' '.repeat(GAP)}${text}`)].join('\n');
}

function termWidth(flags: readonly Flag[]): number {
  return Math.max(...flags.map((flag) => termOf(flag).length));
}

function termOf(flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return `${short}${spelling(flag)}${flag.value === undefined ? '' : ` ${flag.value}`}`;
}

function flagLines(flags: readonly Flag[], term: number, width: number): string[] {
  const indent = ' '.repeat(GAP + term + GAP);
  return flags.flatMap((flag) => {
    const [first = '', ...more] = wrapped(helpOf(flag), width - indent.length);
    return [`  ${termOf(flag).padEnd(term)}${' '.repeat(GAP)}${first}`, ...more.map((line) => `${indent}${line}`)];
  });
}

/** Lines of at most `width` characters, unless a word is longer. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
