import { randomUUID } from 'node:crypto';

import pLimit from 'p-limit';

import { readAuthFile } from '../../auth-file.js';
import type { AuthFile } from '../../auth/auth-file.js';
import { EXIT_CODES, LakeportError } from '../../errors.js';
import { raceAbort } from '../../runtime/interruption.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import { checkEntry, type EntryCheck } from './entry-check.js';
import { writeDocument } from '../reports/failure.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import type { Output } from '../terminal/output.js';
import { printable, printableLines } from '../../text/printable.js';
import type { CheckDocument } from '../reports/document-schemas.js';
import { errorDocument } from '../reports/run-json.js';
import { withSession } from '../session.js';
import { tableLines } from '../../text/text-table.js';
import { usageError } from '../flags/usage-error.js';

/** Entries tested at the same time. */
const AT_ONCE = 8;

interface CheckInput {
  readonly flags: ParsedFlags;
  /** Ids of the entries to test; empty for all. */
  readonly ids: readonly string[];
  readonly context: CliContext;
}

/**
 * `lakeport check`.
 * @returns the exit code: 4 if an entry failed, 2 if one refers to something missing or a requested one is unavailable
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function checkCommand({ flags, ids, context }: CheckInput): Promise<number> {
  const authFile = flags.get(FLAGS.authFile);
  if (authFile === undefined) {
    throw usageError({
      code: 'MISSING_FLAG',
      message: '--auth-file must be given',
      hint: 'lakeport check -a auth.json',
      flag: '--auth-file',
    });
  }
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'check', runId: randomUUID(), logging, json, context }, async (session) => {
    const auth = await readAuthFile(authFile, context);
    for (const warning of auth.warnings) session.log.write('WARNING', warning);
    for (const id of ids) if (!auth.ids().includes(id)) auth.entry(id);
    session.start();
    session.say('checking');
    const limit = pLimit(AT_ONCE);
    const chosen = ids.length === 0 ? auth.ids() : [...new Set(ids)];
    const checking = Promise.all(chosen.map((id) => limit(() => check(auth, id, context.signal))));
    const checks = await raceAbort(context.signal, checking);
    session.stop();
    // The report has the errors; the log keeps their stacks.
    for (const { error } of checks) if (error !== undefined) session.log.error(error, 'DEBUG');
    const code = context.log.exitCode(exitCode(checks, { asked: ids.length > 0 }));
    if (json) writeDocument(checkDocument(checks, code), context);
    else context.stdout.write(context.redactor.redact(checkText(checks, context.stdout)));
    return code;
  });
}

async function check(auth: AuthFile, id: string, signal: AbortSignal): Promise<EntryCheck> {
  try {
    return await checkEntry(auth.entry(id), signal);
  } catch (thrown) {
    const error = LakeportError.from(thrown);
    return {
      id,
      kind: auth.kindOf(id),
      address: '',
      result: error.code === 'NOT_AVAILABLE_YET' ? 'not available yet' : 'failed',
      milliseconds: 0,
      detail: undefined,
      error,
    };
  }
}

function exitCode(checks: readonly EntryCheck[], { asked }: { readonly asked: boolean }): number {
  const failures = checks.flatMap(({ result, error }) => (result === 'failed' && error !== undefined ? [error] : []));
  const failed = failures.find(({ code }) => code !== 'AUTH_FILE_INVALID');
  if (failed !== undefined) return failed.exit === 'unexpected' ? EXIT_CODES.unexpected : EXIT_CODES.unreachable;
  if (failures.length > 0) return EXIT_CODES.usage;
  return asked && checks.some(({ result }) => result !== 'ok') ? EXIT_CODES.usage : 0;
}

function checkText(checks: readonly EntryCheck[], output: Output): string {
  const columns = [
    { title: 'ID' },
    { title: 'KIND' },
    { title: 'ADDRESS' },
    { title: 'RESULT' },
    { title: 'MS', align: 'right' as const },
    { title: '' },
  ];
  const rows = checks.map(({ id, kind, address, result, milliseconds, detail }) => [
    printable(id),
    kind,
    printable(address),
    result,
    result === 'not available yet' ? '' : String(milliseconds),
    printable(detail ?? ''),
  ]);
  const table = tableLines({ columns, rows });
  const colour = { ok: 'green', failed: 'red', 'not available yet': 'yellow' } as const;
  const lines = [
    output.paint('dim', table.title),
    ...table.rows.map((line, at) => output.paint(colour[checks[at]?.result ?? 'ok'], line)),
  ];
  for (const { id, error, result } of checks) {
    if (error === undefined || result !== 'failed') continue;
    lines.push('', `${output.paint('red', `${printable(id)}:`)} ${printableLines(error.message)}`);
    if (error.hint !== undefined) lines.push(`  ${output.paint('cyan', 'hint:')} ${printable(error.hint)}`);
  }
  return `${lines.join('\n')}\n`;
}

function checkDocument(checks: readonly EntryCheck[], code: number): CheckDocument {
  return {
    lakeport: VERSION,
    command: 'check',
    exit_code: code,
    entries: checks.map(({ id, kind, address, result, milliseconds, detail, error }) => ({
      id,
      kind,
      address,
      result,
      milliseconds,
      ...(detail === undefined ? {} : { product: detail }),
      ...(error === undefined ? {} : { error: errorDocument(error) }),
    })),
  };
}
