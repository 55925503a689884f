import { COMPACTION_FLAGS } from './compaction-flags.js';
import { COLUMN_FLAGS } from './column-flags.js';
import { DATA_FLAGS } from './data-flags.js';
import { DESTINATION_FLAGS } from './destination-flags.js';
import { ENGINE_FLAGS } from './engine-flags.js';
import { FILE_FLAGS } from './file-flags.js';
import { type Flag, FLAG_GROUPS } from './flag.js';
import { INCREMENTAL_FLAGS } from './incremental-flags.js';
import { LAYOUT_FLAGS } from './layout-flags.js';
import { LAKEXPRESS_FLAGS } from './lakexpress-flags.js';
import { METADATA_FLAGS } from './metadata-flags.js';
import { OUTPUT_FLAGS } from './output-flags.js';
import { RUN_FLAGS } from './run-flags.js';
import { SOURCE_FLAGS } from './source-flags.js';
import { SPEED_FLAGS } from './speed-flags.js';
import { RESUME_SYNC, SYNC_FLAGS } from './sync-flags.js';
import { WORKER_FLAGS } from './worker-flags.js';

/** The flags that the code refers to by name. */
export const FLAGS = {
  ...SOURCE_FLAGS,
  ...DATA_FLAGS,
  ...INCREMENTAL_FLAGS,
  ...DESTINATION_FLAGS,
  ...SPEED_FLAGS,
  ...WORKER_FLAGS,
  ...FILE_FLAGS,
  ...COLUMN_FLAGS,
  ...LAYOUT_FLAGS,
  ...RUN_FLAGS,
  ...METADATA_FLAGS,
  ...LAKEXPRESS_FLAGS,
  ...OUTPUT_FLAGS,
  ...SYNC_FLAGS,
  ...COMPACTION_FLAGS,
} as const;

/** Every flag of every command. */
export const ALL_FLAGS: readonly Flag[] = [...Object.values<Flag>(FLAGS), ...Object.values(ENGINE_FLAGS)];

const { limit, allTables, save, shownRows, deep, againstSource, waitMs, idleExitMs, workerName } = FLAGS;
/** Not of an export. */
const OF_OTHER_COMMANDS: ReadonlySet<Flag> = new Set<Flag>([
  ...[limit, allTables, save, shownRows, deep, againstSource],
  ...Object.values<Flag>(SYNC_FLAGS),
  ...Object.values<Flag>(COMPACTION_FLAGS),
  ...[waitMs, idleExitMs, workerName],
]);
const { logDatabaseId, graceMs, json, logLevel, logDirectory, logFormat, noProgress, noBanner, quiet } = FLAGS;

/** Flags of the default command. */
export const EXPORT_FLAGS: readonly Flag[] = byGroup(ALL_FLAGS.filter((flag) => !OF_OTHER_COMMANDS.has(flag)));

/** Flags of `plan` that an export does not have. */
export const PLAN_FLAGS: readonly Flag[] = [allTables, save];

export const HELP_FLAGS: readonly Flag[] = [FLAGS.version, FLAGS.help];

const LOGGING: readonly Flag[] = [graceMs, json, logLevel, logDirectory, logFormat, noProgress, noBanner, quiet];

/** Flags of `check`. */
export const CHECK_FLAGS: readonly Flag[] = [FLAGS.authFile, ...LOGGING, ...HELP_FLAGS];

/** For commands that need credentials only for a log database. */
const LOG_AUTH: Flag = { ...FLAGS.authFile, help: 'JSON file with named credentials; needed with --log-db-auth-id' };

/** Flags of `status`. */
export const STATUS_FLAGS: readonly Flag[] = byGroup([
  LOG_AUTH,
  logDatabaseId,
  { ...FLAGS.runId, value: 'RUN_ID', help: 'the run to show; also without the flag' },
  { ...FLAGS.syncId, help: 'shows a stored sync instead: watermarks, rows per sync, runs' },
  { ...limit, help: 'with --sync-id: most runs, and syncs of a table, to list (default: 20)' },
  ...LOGGING,
  ...HELP_FLAGS,
]);

/** Flags of commands that look at the run log. */
const OF_LOG: readonly Flag[] = [LOG_AUTH, logDatabaseId, ...LOGGING, ...HELP_FLAGS];

const { syncId, replace, olderThan, runStates, confirm, maxAgeHours } = FLAGS;

/** Not stored: what names one run, the log that stores it, or asks for something else than an export. */
const NOT_STORED: ReadonlySet<Flag> = new Set<Flag>([
  ...[FLAGS.runId, FLAGS.dryRun, FLAGS.initDb, FLAGS.resume, FLAGS.logDatabaseMode, FLAGS.resetWatermarks],
]);

/** Flags of each `lakeport config` command. */
export const CONFIG_FLAGS = {
  create: byGroup([
    { ...syncId, help: 'its id: a name of up to 64 letters, digits, - and _ (default: a new UUID)' },
    replace,
    ...EXPORT_FLAGS.filter((flag) => !NOT_STORED.has(flag)),
  ]),
  list: byGroup([{ ...FLAGS.envName, help: 'only those of this environment' }, ...OF_LOG]),
  show: byGroup([syncId, ...OF_LOG]),
  delete: byGroup([syncId, confirm, ...OF_LOG]),
} as const;

/** Flags of a stored sync that each of its runs may have otherwise. */
export const SYNC_RUN_FLAGS: readonly Flag[] = byGroup([
  { ...syncId, help: 'the stored sync to run (default: the only one)' },
  RESUME_SYNC,
  { ...FLAGS.runId, help: 'names this run (default: a new one); with --resume: the run to finish' },
  { ...FLAGS.dryRun, help: 'shows what would be done, as lakeport plan does' },
  FLAGS.resetWatermarks,
  ...EXPORT_FLAGS.filter(
    (flag) => flag.onResume === 'changeable' && flag !== FLAGS.resume && flag !== FLAGS.logDatabaseMode,
  ),
]);

/** Flags of `cleanup`. */
export const CLEANUP_FLAGS: readonly Flag[] = byGroup([
  { ...syncId, help: 'the stored sync whose old runs are removed' },
  olderThan,
  runStates,
  { ...FLAGS.dryRun, help: 'shows what would be removed, and removes nothing' },
  { ...FLAGS.authFile, help: 'JSON file with named credentials; for stores and --log-db-auth-id' },
  ...OF_LOG.filter(({ name }) => name !== FLAGS.authFile.name),
]);

/** Flags of each `lakeport lxdb` command. */
export const LXDB_FLAGS = {
  init: byGroup(OF_LOG),
  drop: byGroup([confirm, ...OF_LOG]),
  truncate: byGroup([{ ...syncId, help: 'only what the log has of this sync' }, confirm, ...OF_LOG]),
  locks: byGroup([{ ...syncId, help: 'only the lock of this sync' }, ...OF_LOG]),
  'release-locks': byGroup([
    { ...syncId, help: 'only the lock of this sync' },
    maxAgeHours,
    { ...confirm, help: 'also locks whose process may be alive: its run ends at its next heartbeat' },
    ...OF_LOG,
  ]),
} as const;

/** Flags of `runs`. */
export const RUNS_FLAGS: readonly Flag[] = byGroup([LOG_AUTH, logDatabaseId, limit, ...LOGGING, ...HELP_FLAGS]);

/** Flags of `work`. */
export const WORK_FLAGS: readonly Flag[] = byGroup([
  FLAGS.authFile,
  { ...FLAGS.runId, help: 'the run to read for: what --run-id named where it was started (required)' },
  { ...logDatabaseId, help: "the run's log, a PostgreSQL database: an entry of the auth file (required)" },
  {
    ...FLAGS.parallel,
    help: 'slices read at the same time: N, 0 for all cores, -N for cores/N (default: one per core)',
  },
  waitMs,
  idleExitMs,
  workerName,
  ...LOGGING.filter((flag) => flag !== graceMs),
  {
    ...graceMs,
    help: 'time after a signal to end slices, or to give them back (default: 25s); a second signal exits at once',
  },
  ...HELP_FLAGS,
]);

/** For commands that need credentials only for files in stores. */
const STORE_AUTH: Flag = { ...FLAGS.authFile, help: 'JSON file with named credentials; needed for ID/PATH' };

/** Flags of `inspect`. */
export const INSPECT_FLAGS: readonly Flag[] = byGroup([STORE_AUTH, shownRows, ...LOGGING, ...HELP_FLAGS]);

/** Flags of `verify`. */
export const VERIFY_FLAGS: readonly Flag[] = byGroup([
  { ...FLAGS.authFile, help: 'JSON file with named credentials; for stores, --log-db-auth-id and --against-source' },
  {
    ...FLAGS.sourceId,
    help: 'with --against-source: an entry of the auth file (default: that of the run or manifest)',
  },
  FLAGS.databaseName,
  { ...FLAGS.maskSalt, help: 'with --against-source: the salt of the mask hash, to compare these columns of a run' },
  logDatabaseId,
  deep,
  againstSource,
  { ...FLAGS.parallel, help: 'threads that decode pages: 0 for all cores, -N for cores/N (default: one per core)' },
  ...LOGGING,
  ...HELP_FLAGS,
]);

/** Flags of `compact`. */
export const COMPACT_FLAGS: readonly Flag[] = byGroup([
  { ...FLAGS.authFile, help: 'JSON file with named credentials; for stores and --log-db-auth-id' },
  FLAGS.keyColumns,
  logDatabaseId,
  { ...FLAGS.dryRun, help: 'shows how many rows would be left, and changes nothing' },
  ...LOGGING,
  ...HELP_FLAGS,
]);

/** Sorts flags by heading. */
function byGroup(flags: readonly Flag[]): Flag[] {
  return FLAG_GROUPS.flatMap((group) => flags.filter((flag) => flag.group === group));
}
