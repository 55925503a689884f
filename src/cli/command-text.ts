import type { Redactor } from '../auth/redaction.js';

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
  const log = logEntryId === undefined ? [] : ['--log_db_auth_id', logEntryId];
  return commandText(['--resume', runId, '-a', authFile, ...log]);
}
