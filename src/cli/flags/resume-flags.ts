import type { ExportOptions } from '../../export/model/options.js';
import { ignoredFlags, readConsistency, readJobs, readParallel } from './export-flags.js';
import { runIdBegin } from './flag-values.js';
import { localPath } from './path-flags.js';
import { EXPORT_FLAGS } from './flags.js';
import type { ParsedFlags } from './parsed-flags.js';
import { usageError } from './usage-error.js';

/** What may stand beside `--resume`: nothing of it decides what is exported, or where to. */
const ALLOWED: ReadonlySet<string> = new Set([
  ...['resume', 'auth_file', 'log_db_auth_id', 'log_db_mode', 'consistency', 'n_jobs', 'parallel'],
  ...['json', 'grace', 'log_level', 'log_dir', 'log_format', 'no_progress', 'no_banner', 'quiet'],
]);

/** What the command line says about finishing an earlier run. */
export interface ResumeSettings {
  readonly authFile: string;
  /** The run's id or its beginning. */
  readonly runId: string;
  /** What this process does otherwise than the run's record says. */
  readonly changes: Partial<Pick<ExportOptions, 'jobs' | 'parallel' | 'consistency'>>;
  /** The compatibility flags that were given, with their dashes. */
  readonly ignoredFlags: readonly string[];
}

/** @throws LakeportError of class `usage` */
export function readResumeSettings(flags: ParsedFlags, options: { readonly plan: boolean }): ResumeSettings {
  refuseOthers(flags);
  const runId = runIdBegin({ flag: '--resume', value: flags.value('resume') ?? '' });
  const authFile = flags.value('auth_file');
  if (authFile === undefined) {
    throw usageError({
      code: 'MISSING_FLAG',
      message: '--auth_file must be given, as credentials are in no record',
      hint: `lakeport --resume ${runId} -a auth.json`,
      flag: '--auth_file',
    });
  }
  if (options.plan) {
    throw usageError({
      code: 'FLAG_CONFLICT',
      message: 'lakeport plan takes no --resume: a run that was begun has its plan',
      hint: `lakeport status ${runId} shows what is done and what is left.`,
      flag: '--resume',
    });
  }
  const jobs = readJobs(flags);
  const parallel = readParallel(flags);
  const consistency = readRunConsistency(flags);
  return {
    authFile: localPath({ flag: '--auth_file', value: authFile }),
    runId,
    changes: {
      ...(jobs !== undefined && { jobs }),
      ...(parallel !== undefined && { parallel }),
      ...(consistency !== undefined && { consistency }),
    },
    ignoredFlags: ignoredFlags(flags),
  };
}

function refuseOthers(flags: ParsedFlags): void {
  const others = EXPORT_FLAGS.filter(
    ({ name, standing }) => flags.has(name) && standing !== 'ignored' && !ALLOWED.has(name),
  ).map(({ name }) => `--${name}`);
  const [first] = others;
  if (first !== undefined) {
    throw usageError({
      code: 'FLAG_CONFLICT',
      message: `--resume takes what the run was begun with, and not ${others.join(', ')}`,
      hint: 'Leave them out, or export anew without --resume.',
      flag: first,
    });
  }
  const mode = flags.value('log_db_mode')?.toLowerCase();
  if (mode !== 'truncate' && mode !== 'drop') return;
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: `--log_db_mode ${mode} would remove the run that --resume is to finish`,
    flag: '--log_db_mode',
  });
}

function readRunConsistency(flags: ParsedFlags): 'run' | undefined {
  const consistency = readConsistency(flags);
  if (consistency !== 'none') return consistency;
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: 'With --resume, --consistency can only be run',
    hint: 'It reads tables anew that would else mix two snapshots.',
    flag: '--consistency',
  });
}
