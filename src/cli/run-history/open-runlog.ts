import { raceAbort, withinGrace } from '../../runtime/interruption.js';
import { readAuthFile } from '../../auth-file.js';
import type { RunLog } from '../../runlog/index.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { openRunLogFromFlags, readLogFlags } from '../flags/runlog-flags.js';
import type { Session } from '../session.js';

/** Which log a command reads. */
export interface LogReading {
  readonly authFile: string | undefined;
  /** Id of the log's entry; undefined for the embedded log. */
  readonly entryId: string | undefined;
}

/** @throws LakeportError of class `usage` */
export function readLogReading(flags: ParsedFlags): LogReading {
  return { authFile: flags.get(FLAGS.authFile), entryId: readLogFlags(flags).entryId };
}

/**
 * Opens the log for a command that only reads.
 * @throws LakeportError if the auth file or the log cannot be used
 */
export async function openLogToRead(
  { authFile, entryId }: LogReading,
  { context, session }: { readonly context: CliContext; readonly session?: Session | undefined },
): Promise<RunLog> {
  const auth = authFile === undefined ? undefined : await readAuthFile(authFile, context);
  for (const warning of auth?.warnings ?? []) session?.log.write('WARNING', warning);
  return openRunLogFromFlags({ entryId, mode: 'preserve' }, { auth, context });
}

/**
 * Opens the log for a command that looks at it, and closes it afterwards.
 * @throws LakeportError if the auth file or the log cannot be used
 */
export async function withLog<T>(
  reading: LogReading,
  options: { readonly context: CliContext; readonly session?: Session | undefined },
  body: (log: RunLog) => Promise<T>,
): Promise<T> {
  const { signal } = options.context;
  const log = await openLogToRead(reading, options);
  try {
    return await raceAbort(signal, body(log));
  } finally {
    await closeLog(log, signal);
  }
}

/** Closes a log after reading. A log that does not answer does not delay an interrupted command. */
export async function closeLog(log: RunLog, signal: AbortSignal): Promise<void> {
  await withinGrace(signal, log.close(), 'closing').catch(() => undefined);
}
