import { type Flag, spelling } from './flag.js';
import { type FlagOptions, ignoredFlags, OPTION_FLAGS } from './export-flags.js';
import { EXPORT_FLAGS, FLAGS } from './flags.js';
import type { ParsedFlags } from './parsed-flags.js';
import { usageError } from './usage-error.js';

/** How the command line asks to finish an earlier run. */
export interface ResumeSettings {
  readonly authFile: string;
  /** The run's id or its beginning. */
  readonly runId: string;
  /** Options of this process that override the run's record. */
  readonly changes: Partial<FlagOptions>;
  /** The compatibility flags that were given, with their dashes. */
  readonly ignoredFlags: readonly string[];
}

/** @throws LakeportError of class `usage` */
export function readResumeSettings(flags: ParsedFlags, options: { readonly plan: boolean }): ResumeSettings {
  refuseOthers(flags);
  const runId = flags.get(FLAGS.resume) ?? '';
  if (!flags.has(FLAGS.authFile)) {
    throw usageError({
      code: 'MISSING_FLAG',
      message: '--auth-file must be given, as credentials are in no record',
      hint: `lakeport --resume ${runId} -a auth.json`,
      flag: spelling(FLAGS.authFile),
    });
  }
  if (options.plan) {
    throw usageError({
      code: 'FLAG_CONFLICT',
      message: 'lakeport plan takes no --resume: a run that was begun has its plan',
      hint: `lakeport status ${runId} shows what is done and what is left.`,
      flag: spelling(FLAGS.resume),
    });
  }
  const changes = changedOptions(flags);
  refuseNoConsistency(changes);
  return { authFile: flags.get(FLAGS.authFile) ?? '', runId, changes, ignoredFlags: ignoredFlags(flags) };
}

function changedOptions(flags: ParsedFlags): Partial<FlagOptions> {
  const given = Object.entries<Flag>(OPTION_FLAGS).filter(([, flag]) => flags.has(flag));
  return Object.fromEntries(given.map(([name, flag]) => [name, flags.get(flag)]));
}

function refuseOthers(flags: ParsedFlags): void {
  const others = EXPORT_FLAGS.filter((flag) => flags.has(flag) && flag.onResume !== 'changeable').map(spelling);
  if (others.length > 0) {
    throw usageError({
      code: 'FLAG_CONFLICT',
      message: `--resume takes what the run was begun with, and not ${others.join(', ')}`,
      hint: 'Leave them out, or export anew without --resume.',
      flag: others[0],
    });
  }
  const mode = flags.get(FLAGS.logDatabaseMode);
  if (mode === 'preserve') return;
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: `--log-db-mode ${mode} would remove the run that --resume is to finish`,
    flag: spelling(FLAGS.logDatabaseMode),
  });
}

/** A resume re-reads tables that would otherwise mix two snapshots, so `none` cannot be requested. */
function refuseNoConsistency({ consistency }: Partial<FlagOptions>): void {
  if (consistency !== 'none') return;
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: 'With --resume, --consistency can only be run',
    hint: 'It reads tables anew that would else mix two snapshots.',
    flag: spelling(FLAGS.consistency),
  });
}
