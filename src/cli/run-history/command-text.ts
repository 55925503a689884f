import type { Redactor } from '../../auth/redaction.js';
import { lookUpFlag } from '../flags/command-line.js';
import { spelling } from '../flags/flag.js';
import { FLAGS } from '../flags/flags.js';

/** What needs no quotes in any shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** A command line as it can be typed into a POSIX shell. */
export function commandText(words: readonly string[]): string {
  return ['lakeport', ...words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))].join(
    ' ',
  );
}

/** The same without secrets: what the auth file holds, passwords in URLs, and other programs' licences. */
export function recordedCommand(words: readonly string[], redactor: Redactor): string {
  for (const word of words) redactor.addInner(word);
  const shown = words.map((word, at) => {
    if (/^--license$/.test(words[at - 1] ?? '')) return '***';
    return redactor.redact(word.replace(/^(--license=).*/s, '$1***'));
  });
  return commandText(shown);
}

/** How an unfinished run is finished. */
export function resumeCommand(options: {
  readonly runId: string;
  readonly authFile: string;
  readonly logEntryId: string | undefined;
}): string {
  const { runId, authFile, logEntryId } = options;
  const log = logEntryId === undefined ? [] : [spelling(FLAGS.logDatabaseId), logEntryId];
  return commandText(['--resume', runId, '-a', authFile, ...log]);
}

/** The auth file that a recorded command line names; undefined where it names none. */
export function recordedAuthFile(commandLine: string): string | undefined {
  const words = wordsOf(commandLine);
  for (let at = 1; at < words.length; at++) {
    const found = lookUpFlag(words[at] ?? '');
    if (found === undefined) continue;
    const value = found.takesValue ? (found.joined ?? words[++at]) : undefined;
    if (found.flag.name === FLAGS.authFile.name) return value;
  }
  return undefined;
}

/** What `commandText` has joined. */
function wordsOf(commandLine: string): string[] {
  const words = commandLine.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/'([^']*)'|\\(.)/g, (_, quoted?: string, single?: string) => quoted ?? single ?? ''),
  );
}
