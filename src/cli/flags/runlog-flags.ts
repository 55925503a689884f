import type { AuthFile } from '../../auth/auth-file.js';
import { raceAbort } from '../../runtime/interruption.js';
import type { LogMode, RunLog, RunLogTarget } from '../../runlog/index.js';
import type { CliContext } from '../context.js';
import { FLAGS } from './flags.js';
import type { ParsedFlags } from './parsed-flags.js';
import { usageError } from './usage-error.js';

/** Settings of the run log from the command line. */
export interface LogFlags {
  /** Id of an entry of the auth file; undefined for the embedded log. */
  readonly entryId: string | undefined;
  readonly mode: LogMode;
  readonly envName: string | undefined;
  /** The user configured the log explicitly, so an unusable log is an error rather than a warning. */
  readonly isAsked: boolean;
}

/** @throws LakeportError of class `usage` */
export function readLogFlags(flags: ParsedFlags): LogFlags {
  const settings = {
    entryId: flags.get(FLAGS.logDatabaseId),
    mode: flags.get(FLAGS.logDatabaseMode),
    envName: flags.get(FLAGS.envName),
  };
  return { ...settings, isAsked: settings.entryId !== undefined || settings.mode !== 'preserve' };
}

/**
 * The log's database: the entry's, or the embedded one of this user.
 * @param auth may be missing if no entry is named
 * @throws LakeportError of class `usage` if the entry is not a database, `unreachable` if the user has no home
 */
export async function logTarget(
  { entryId }: Pick<LogFlags, 'entryId'>,
  options: { readonly auth: AuthFile | undefined; readonly context: CliContext },
): Promise<RunLogTarget> {
  const { auth, context } = options;
  if (entryId === undefined) {
    const { embeddedLog } = await import('../../runlog/index.js');
    return embeddedLog({ environment: context.environment, platform: process.platform });
  }
  if (auth !== undefined) return auth.database(entryId);
  throw usageError({
    code: 'MISSING_FLAG',
    message: '--auth-file must be given, as --log-db-auth-id names an entry of it',
    hint: 'Add -a auth.json.',
    flag: '--auth-file',
  });
}

/**
 * Opens the log that the command line names.
 * @throws LakeportError if it can't be used, or the command is interrupted
 */
export async function openRunLogFromFlags(
  flags: Pick<LogFlags, 'entryId' | 'mode'>,
  options: {
    readonly auth: AuthFile | undefined;
    readonly context: CliContext;
    /** Runs the log's driver in a thread, so that it does not block an export. */
    readonly threaded?: boolean;
    /** When that thread takes over. Default: that of an export that reads itself. */
    readonly threadAfterMs?: number | undefined;
  },
): Promise<RunLog> {
  const { context, threaded = false, threadAfterMs } = options;
  const [target, { openRunLog }] = await Promise.all([logTarget(flags, options), import('../../runlog/index.js')]);
  const redact = (text: string) => context.redactor.redact(text);
  const opening = openRunLog(target, { threaded, threadAfterMs, mode: flags.mode, redact });
  try {
    return await raceAbort(context.signal, opening);
  } catch (error) {
    // A log that opens after the abort would keep the process alive.
    if (context.signal.aborted) void opening.then((log) => log.close()).catch(() => undefined);
    throw error;
  }
}
