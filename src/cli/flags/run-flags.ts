import { DEFAULT_OPTIONS } from '../../export/model/complete-options.js';
import { ROW_CHECKS } from '../../export/model/row-check.js';
import { DEFAULT_GRACE_MS } from '../../runtime/interruption.js';
import type { ExportOptions } from '../../export/model/options.js';
import { defineFlag, type ValueType } from './flag.js';
import { LOCAL_PATH } from './path-flags.js';
import { DURATION, oneOf, RUN_ID_BEGIN, TEXT, translated, UUID } from './value-types.js';

type Consistency = ExportOptions['consistency'];

/** `auto` cannot be typed, but records have it. */
const CONSISTENCY: ValueType<Consistency> = {
  ...oneOf(['run', 'none']),
  restore: oneOf<Consistency>(['auto', 'run', 'none']).restore,
};

/** `skip` is LakeXpress's word for `continue`. */
const ERROR_ACTION = translated(oneOf(['continue', 'fail', 'skip']), {
  continue: 'continue',
  fail: 'fail',
  skip: 'continue',
});

/** How the run behaves, and what is recorded. */
export const RUN_FLAGS = {
  config: defineFlag({
    name: 'config',
    value: 'PATH',
    type: LOCAL_PATH,
    group: 'Run',
    help: 'job file: YAML or JSON with any of these flags; those on the command line take precedence',
    onResume: 'refused',
    see: '[job file](job-file.md)',
  }),
  consistency: defineFlag({
    name: 'consistency',
    value: 'run|none',
    type: CONSISTENCY,
    default: DEFAULT_OPTIONS.consistency,
    group: 'Run',
    help: 'one snapshot for all tables and readers, or none (default: run where the source can)',
    onResume: 'changeable',
    see: '[consistency](../concepts.md#consistency)',
  }),
  lockTimeoutMs: defineFlag({
    name: 'lock_timeout',
    value: 'TIME',
    type: DURATION,
    default: DEFAULT_OPTIONS.lockTimeoutMs,
    group: 'Run',
    help: "maximum wait for a table's lock (default: 30s)",
    onResume: 'kept',
  }),
  rowCheck: defineFlag({
    name: 'row_check',
    value: 'count|none',
    type: oneOf(ROW_CHECKS),
    default: DEFAULT_OPTIONS.rowCheck,
    group: 'Run',
    help: 'counts the rows of each table that is read in several slices, and fails it where they differ (count, default), or saves the server that work (none)',
    onResume: 'kept',
    see: '[consistency](../concepts.md#consistency)',
  }),
  runId: defineFlag({
    name: 'run_id',
    value: 'UUID',
    type: UUID,
    group: 'Run',
    help: 'names this run (default: a new one)',
    onResume: 'kept',
  }),
  errorAction: defineFlag({
    name: 'error_action',
    value: 'ACTION',
    type: ERROR_ACTION,
    default: DEFAULT_OPTIONS.errorAction,
    group: 'Run',
    help: 'when a table fails: continue with the others (default; also skip), or fail',
    onResume: 'kept',
  }),
  graceMs: defineFlag({
    name: 'grace',
    value: 'TIME',
    type: DURATION,
    default: DEFAULT_GRACE_MS,
    group: 'Run',
    help: 'time for cleanup after a signal, before the process exits (default: 8s); a second signal exits at once',
    onResume: 'changeable',
  }),
  logDatabaseId: defineFlag({
    name: 'log_db_auth_id',
    aliases: ['lxdb_auth_id'],
    value: 'ID',
    type: TEXT,
    group: 'Run log',
    help: 'database where runs are logged: an entry of the auth file (default: a SQLite file of the user)',
    onResume: 'changeable',
  }),
  logDatabaseMode: defineFlag({
    name: 'log_db_mode',
    value: 'MODE',
    type: oneOf(['preserve', 'truncate', 'drop']),
    default: 'preserve',
    group: 'Run log',
    help: 'what to do with the log before the run: preserve (default), truncate or drop (recreate)',
    onResume: 'changeable',
  }),
  initDb: defineFlag({
    name: 'init_db',
    group: 'Run log',
    help: 'creates or migrates the log, with --workers external also the queue, and exits; needs no source',
    onResume: 'refused',
  }),
  resume: defineFlag({
    name: 'resume',
    short: 'r',
    value: 'RUN_ID',
    type: RUN_ID_BEGIN,
    group: 'Run log',
    help: 'finishes an earlier run, with the settings of its record; the id or its beginning',
    onResume: 'changeable',
  }),
  resumeIfExists: defineFlag({
    name: 'resume_if_exists',
    group: 'Run log',
    help: 'with --run_id: finishes the run if the log has it, as --resume does, and does nothing if it is complete; for launchers that start a command again',
    onResume: 'refused',
  }),
  envName: defineFlag({
    name: 'env_name',
    value: 'NAME',
    type: TEXT,
    group: 'Run log',
    help: 'tags the run, and uses the partition_columns rows of this environment',
    onResume: 'kept',
  }),
} as const;
