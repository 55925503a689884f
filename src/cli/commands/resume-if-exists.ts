import { readAuthFile } from '../../auth-file.js';
import type { ShownState } from '../../runlog/index.js';
import { raceAbort } from '../../runtime/interruption.js';
import type { CliContext } from '../context.js';
import { spelling } from '../flags/flag.js';
import { EXPORT_FLAGS, FLAGS } from '../flags/flags.js';
import { ParsedFlags } from '../flags/parsed-flags.js';
import { openRunLogFromFlags, readLogFlags } from '../flags/runlog-flags.js';
import { usageError } from '../flags/usage-error.js';
import { closeLog } from '../run-history/open-runlog.js';

/** What `--resume-if-exists` comes to. */
export type ExistingRun =
  /** The log has no such run: it begins. */
  | { readonly kind: 'none' }
  | { readonly kind: 'complete' }
  /** To be finished, with these flags: the others are in its record. */
  | { readonly kind: 'unfinished'; readonly flags: ParsedFlags };

/**
 * Looks up the run that `--run-id` names.
 * @throws LakeportError of class `usage` for a mistake on the command line, or if the log cannot be used
 */
export async function findExistingRun(flags: ParsedFlags, context: CliContext): Promise<ExistingRun> {
  const runId = flags.get(FLAGS.runId);
  if (runId === undefined) {
    throw usageError({
      code: 'MISSING_FLAG',
      message: `${spelling(FLAGS.resumeIfExists)} needs --run-id, which names the run`,
      hint: 'A launcher gives each attempt the same UUID.',
      flag: spelling(FLAGS.runId),
    });
  }
  const state = await stateOf(runId, flags, context);
  if (state === undefined) return { kind: 'none' };
  if (state === 'completed') return { kind: 'complete' };
  return { kind: 'unfinished', flags: ofResume(flags, runId) };
}

async function stateOf(runId: string, flags: ParsedFlags, context: CliContext): Promise<ShownState | undefined> {
  const authFile = flags.get(FLAGS.authFile);
  const auth = authFile === undefined ? undefined : await readAuthFile(authFile, context);
  const log = await openRunLogFromFlags({ ...readLogFlags(flags), mode: 'preserve' }, { auth, context });
  try {
    return await raceAbort(context.signal, log.stateOf(runId));
  } finally {
    await closeLog(log, context.signal);
  }
}

/** What the run's record has need not be given again, and is when a launcher repeats the command. */
function ofResume(flags: ParsedFlags, runId: string): ParsedFlags {
  const changeable = EXPORT_FLAGS.filter((flag) => flags.has(flag) && flag.onResume === 'changeable');
  const { typed } = flags;
  const values = changeable.map(({ name }): [string, readonly string[]] => [name, typed[name] ?? []]);
  return new ParsedFlags(new Map([...values, [FLAGS.resume.name, [runId]]]));
}
