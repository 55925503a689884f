import type { Redactor } from '../../auth/redaction.js';
import { lookUpFlag } from '../flags/command-line.js';
import { type Command, typedCommand } from '../flags/commands.js';
import { spelling } from '../flags/flag.js';
import { FLAGS } from '../flags/flags.js';

/** Words that need no quotes in any shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** A command line, quoted for a POSIX shell. */
export function commandText(words: readonly string[]): string {
  return ['lakeport', ...words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))].join(
    ' ',
  );
}

/** The same without secrets: values of the auth file, passwords in URLs, and licences of other programs. */
export function recordedCommand(words: readonly string[], redactor: Redactor): string {
  for (const word of words) redactor.addInner(word);
  const shown = words.map((word, at) => {
    if (/^--license$/.test(words[at - 1] ?? '')) return '***';
    return redactor.redact(word.replace(/^(--license=).*/s, '$1***'));
  });
  return commandText(shown);
}

/** The command that finishes a run. */
export function resumeCommand(options: {
  readonly runId: string;
  readonly authFile: string;
  readonly logEntryId: string | undefined;
}): string {
  const { runId, authFile, logEntryId } = options;
  const log = logEntryId === undefined ? [] : [spelling(FLAGS.logDatabaseId), logEntryId];
  return commandText(['--resume', runId, '-a', authFile, ...log]);
}

/** The auth file named in a recorded command line; undefined if there is none. */
export function recordedAuthFile(commandLine: string): string | undefined {
  const words = wordsOf(commandLine);
  let command: Command | undefined;
  for (let at = 1; at < words.length; at++) {
    const found = lookUpFlag(words[at] ?? '', command);
    if (found === undefined) {
      command ??= typedCommand(words[at]);
      continue;
    }
    const value = found.takesValue ? (found.joined ?? words[++at]) : undefined;
    if (found.flag.name === FLAGS.authFile.name) return value;
  }
  return undefined;
}

/** Splits the result of `commandText` into words again. */
function wordsOf(commandLine: string): string[] {
  const words = commandLine.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/'([^']*)'|\\(.)/g, (_, quoted?: string, single?: string) => quoted ?? single ?? ''),
  );
}
