import { randomUUID } from 'node:crypto';

import type { RunLog, SyncLock } from '../../runlog/index.js';
import { printable } from '../../text/printable.js';
import { counted } from '../../text/quantities.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { usageError } from '../flags/usage-error.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { writeDocument } from '../reports/failure.js';
import { lockDocument, locksText } from '../reports/sync-report.js';
import type { LxdbLocksDocument, LxdbRemovalDocument } from '../reports/sync-schemas.js';
import { readLogReading, withLog } from '../run-history/open-runlog.js';
import { withSession } from '../session.js';
import { initDbCommand } from './init-db.js';

interface LxdbInput {
  readonly flags: ParsedFlags;
  readonly context: CliContext;
}

/** An open log, and how the result is shown. */
interface Open {
  readonly log: RunLog;
  readonly json: boolean;
  readonly quiet: boolean;
}

const HOUR_MS = 3_600_000;

/**
 * `lakeport lxdb`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function lxdbCommand({
  operands: [word = ''],
  ...input
}: LxdbInput & { readonly operands: readonly string[] }): Promise<number> {
  switch (word.replaceAll('_', '-')) {
    case 'init':
      return initDbCommand(input.flags, input.context);
    case 'drop':
      return dropLog(input);
    case 'truncate':
      return emptyLog(input);
    case 'locks':
      return showLocks(input);
    default:
      return releaseLocks(input);
  }
}

async function dropLog(input: LxdbInput): Promise<number> {
  refuseUnconfirmed(input.flags, 'drop', 'all runs, watermarks, stored syncs and partition_columns of the run log');
  return looking('lxdb_drop', input, async ({ log, json, quiet }) => {
    await log.drop();
    const { context } = input;
    if (json) writeDocument(removalDocument('lxdb_drop', log, context), context);
    else if (!quiet)
      context.stdout.write(
        context.redactor.redact(`The run log ${printable(log.address)} is dropped; files of exports stay.\n`),
      );
  });
}

async function emptyLog(input: LxdbInput): Promise<number> {
  const { flags, context } = input;
  const syncId = flags.get(FLAGS.syncId);
  const what = syncId === undefined ? 'all runs and watermarks' : `the runs and watermarks of sync ${syncId}`;
  refuseUnconfirmed(flags, 'truncate', `${what} in the run log`);
  return looking('lxdb_truncate', input, async ({ log, json, quiet }) => {
    await log.empty({ syncId });
    if (json) writeDocument(removalDocument('lxdb_truncate', log, context, syncId), context);
    else if (!quiet)
      context.stdout.write(
        context.redactor.redact(`The run log ${printable(log.address)} has lost ${what}; files of exports stay.\n`),
      );
  });
}

async function showLocks(input: LxdbInput): Promise<number> {
  const syncId = input.flags.get(FLAGS.syncId);
  return looking('lxdb_locks', input, async (open) => {
    const locks = await open.log.syncLocks({ syncId });
    showResult('lxdb_locks', locks, { ...open, context: input.context });
  });
}

/** Releases the locks of dead processes and, if that is confirmed, of living ones. */
async function releaseLocks(input: LxdbInput): Promise<number> {
  const { flags } = input;
  const syncId = flags.get(FLAGS.syncId);
  const isConfirmed = flags.get(FLAGS.confirm);
  const leastMs = (flags.get(FLAGS.maxAgeHours) ?? 0) * HOUR_MS;
  return looking('lxdb_release_locks', input, async (open) => {
    const locks = await open.log.syncLocks({ syncId });
    const chosen = locks.filter(({ lockedAt }) => Date.now() - lockedAt.getTime() >= leastMs);
    const living = chosen.filter((lock) => lock.isLiving);
    if (living.length > 0 && !isConfirmed) throw unconfirmedLocks(living);
    const released: SyncLock[] = [];
    for (const lock of chosen) if (await open.log.releaseLock(lock)) released.push(lock);
    showResult('lxdb_release_locks', released, { ...open, context: input.context });
  });
}

function showResult(
  command: 'lxdb_locks' | 'lxdb_release_locks',
  locks: readonly SyncLock[],
  { log, json, quiet, context }: Open & { readonly context: CliContext },
): void {
  const document: LxdbLocksDocument = {
    lakeport: VERSION,
    command,
    exit_code: context.log.exitCode(0),
    run_log: log.address,
    locks: locks.map(lockDocument),
  };
  if (json) writeDocument(document, context);
  else if (!quiet) {
    const isRelease = command === 'lxdb_release_locks';
    const none = `${isRelease ? 'No lock was released' : 'No stored sync is locked'}.\n`;
    const title = isRelease ? `Released ${counted(locks.length, 'lock')}:\n` : '';
    context.stdout.write(locks.length === 0 ? none : `${title}${locksText(locks, { output: context.stdout })}`);
  }
}

function looking(command: string, { flags, context }: LxdbInput, body: (open: Open) => Promise<void>): Promise<number> {
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command, runId: randomUUID(), logging, json, context }, async (session) => {
    await withLog(reading, { context, session }, (log) => body({ log, json, quiet: logging.quiet }));
    return 0;
  });
}

function removalDocument(
  command: LxdbRemovalDocument['command'],
  log: RunLog,
  context: CliContext,
  syncId?: string,
): LxdbRemovalDocument {
  return {
    lakeport: VERSION,
    command,
    exit_code: context.log.exitCode(0),
    run_log: log.address,
    sync_id: syncId ?? null,
  };
}

function refuseUnconfirmed(flags: ParsedFlags, word: string, what: string): void {
  if (flags.get(FLAGS.confirm)) return;
  throw usageError({
    code: 'NOT_CONFIRMED',
    message: `lakeport lxdb ${word} would remove ${what}`,
    hint: 'Add --confirm to do so.',
    flag: '--confirm',
  });
}

function unconfirmedLocks(living: readonly SyncLock[]): Error {
  const [first] = living;
  return usageError({
    code: 'NOT_CONFIRMED',
    message: `${living.map((lock) => `${lock.syncId} is locked by run ${lock.runId}, in ${lock.owner ?? lock.host}`).join('; ')}: the process may be alive`,
    hint: `Add --confirm to release ${first === undefined || living.length > 1 ? 'the locks' : 'the lock'} nevertheless: the run ends at its next heartbeat.`,
    flag: '--confirm',
  });
}
