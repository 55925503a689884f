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

/** The flags that the code refers to by name. */
export const FLAGS = {
  ...SOURCE_FLAGS,
  ...DATA_FLAGS,
  ...INCREMENTAL_FLAGS,
  ...DESTINATION_FLAGS,
  ...SPEED_FLAGS,
  ...FILE_FLAGS,
  ...COLUMN_FLAGS,
  ...LAYOUT_FLAGS,
  ...RUN_FLAGS,
  ...METADATA_FLAGS,
  ...LAKEXPRESS_FLAGS,
  ...OUTPUT_FLAGS,
} as const;

/** Every flag of every command. */
export const ALL_FLAGS: readonly Flag[] = [...Object.values<Flag>(FLAGS), ...Object.values(ENGINE_FLAGS)];

const { limit, allTables, save, shownRows, deep, againstSource } = FLAGS;
/** Not of an export. */
const OF_OTHER_COMMANDS: ReadonlySet<Flag> = new Set<Flag>([limit, allTables, save, shownRows, deep, againstSource]);
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
export const STATUS_FLAGS: readonly Flag[] = byGroup([LOG_AUTH, logDatabaseId, ...LOGGING, ...HELP_FLAGS]);

/** Flags of `runs`. */
export const RUNS_FLAGS: readonly Flag[] = byGroup([LOG_AUTH, logDatabaseId, limit, ...LOGGING, ...HELP_FLAGS]);

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

/** Sorts flags by heading. */
function byGroup(flags: readonly Flag[]): Flag[] {
  return FLAG_GROUPS.flatMap((group) => flags.filter((flag) => flag.group === group));
}
