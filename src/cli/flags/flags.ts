/** Headings of the help, in its order. */
export type FlagGroup =
  | 'Source'
  | 'Destination'
  | 'Speed'
  | 'Files'
  | 'Run'
  | 'Run log'
  | 'Metadata'
  | 'Output'
  | 'Accepted and ignored'
  | 'Help';

/** A flag of the command line. Every long spelling is also taken with `-` for `_`. */
export interface Flag {
  /** Its own name, in snake_case, without dashes. */
  readonly name: string;
  readonly short?: string;
  /** Other long names. */
  readonly aliases?: readonly string[];
  /** What stands for the value in the help; a flag without it is a switch. */
  readonly value?: string;
  /** May be given several times, and all of them count. Of other flags, the last one does. */
  readonly repeatable?: boolean;
  readonly group: FlagGroup;
  readonly help: string;
  /** `later`: known, and refused with a clear message. `ignored`: of LakeXpress, with no meaning here. */
  readonly standing?: 'later' | 'ignored';
}

const AUTH: Flag = {
  name: 'auth_file',
  short: 'a',
  aliases: ['auth'],
  value: 'PATH',
  group: 'Source',
  help: 'JSON file with named credentials (required)',
};

const JSON_OUTPUT: Flag = {
  name: 'json',
  group: 'Output',
  help: 'one JSON document on stdout at the end, nothing else there',
};

const LOGGING: readonly Flag[] = [
  { name: 'log_level', value: 'LEVEL', group: 'Output', help: 'DEBUG, INFO (default), WARNING, ERROR or CRITICAL' },
  { name: 'log_dir', value: 'PATH', group: 'Output', help: 'also writes lakeport_<run_id>.log there' },
  { name: 'log_format', value: 'text|json', group: 'Output', help: 'one event a line, on stderr and in the log file' },
  { name: 'no_progress', group: 'Output', help: 'no progress display; there is none without a terminal anyway' },
  { name: 'no_banner', group: 'Output', help: 'no line with name and version at the start' },
  { name: 'quiet', group: 'Output', help: 'only errors, and the document of --json' },
];

const GRACE: Flag = {
  name: 'grace',
  value: 'TIME',
  group: 'Run',
  help: 'time for cleanup after a signal, before the process exits (default: 8s); a second signal exits at once',
};

const HELP: readonly Flag[] = [
  { name: 'version', short: 'v', group: 'Help', help: 'shows the version' },
  { name: 'help', short: 'h', group: 'Help', help: 'shows this help' },
];

const LOG_DATABASE: Flag = {
  name: 'log_db_auth_id',
  aliases: ['lxdb_auth_id'],
  value: 'ID',
  group: 'Run log',
  help: 'database where runs are logged: an entry of the auth file (default: a SQLite file of the user)',
};

/** Flags of the default command and of `plan`, in the order of the help. */
export const EXPORT_FLAGS: readonly Flag[] = [
  AUTH,
  {
    name: 'source_db_auth_id',
    value: 'ID',
    group: 'Source',
    help: 'source database: an entry of the auth file (required)',
  },
  { name: 'source_db_name', value: 'NAME', group: 'Source', help: "database, instead of the entry's own" },
  {
    name: 'source_schema_name',
    value: 'LIST',
    repeatable: true,
    group: 'Source',
    help: 'schemas: LIKE patterns with commas (default: all user schemas)',
  },
  {
    name: 'include',
    short: 'i',
    value: 'LIST',
    repeatable: true,
    group: 'Source',
    help: 'tables: LIKE patterns with commas, of names or of schema.table (default: all)',
  },
  {
    name: 'exclude',
    short: 'e',
    value: 'LIST',
    repeatable: true,
    group: 'Source',
    help: 'tables to leave out, like --include and applied after it',
  },
  { name: 'include_views', group: 'Source', help: 'exports views and materialized views too' },
  {
    name: 'include_foreign_tables',
    group: 'Source',
    help: 'exports foreign tables too, and tables and views that read them; they are in no snapshot',
  },
  {
    name: 'include_extension_tables',
    group: 'Source',
    help: 'exports tables created by extensions too, such as spatial_ref_sys',
  },
  {
    name: 'min_rows',
    value: 'N',
    group: 'Source',
    help: 'only tables with at least N rows by the estimate of the database',
  },
  {
    name: 'max_rows',
    value: 'N',
    group: 'Source',
    help: 'only tables with at most N rows by the estimate of the database',
  },

  {
    name: 'output_dir',
    value: 'PATH',
    group: 'Destination',
    help: 'local directory; this or --target_storage_id is required',
  },
  { name: 'target_storage_id', value: 'ID', group: 'Destination', help: 'storage entry of the auth file' },
  {
    name: 'sub_path',
    value: 'PATH',
    group: 'Destination',
    help: 'directories between base and schema; takes {date}, {timestamp}, {run_id}, {database}, in UTC',
  },
  {
    name: 'route',
    value: 'PATTERN=ID[/PATH]',
    repeatable: true,
    group: 'Destination',
    help: 'sends tables matching PATTERN (LIKE patterns with commas, as for --include) to storage entry ID, below PATH; repeatable, first match wins',
  },

  { name: 'n_jobs', value: 'N', group: 'Speed', help: 'tables exported at the same time (default: 4)' },
  {
    name: 'parallel',
    short: 'p',
    aliases: ['fastbcp_p'],
    value: 'N',
    group: 'Speed',
    help: 'readers inside one large table: 0 for all cores, -N for cores/N, N for that many (default: auto, one reader per core in all, shared by the tables in progress)',
  },
  {
    name: 'large_table_threshold',
    value: 'N',
    group: 'Speed',
    help: 'tables with fewer rows by the estimate are read by one reader (default: 100000)',
  },
  {
    name: 'table_config',
    aliases: ['fastbcp_table_config'],
    value: 'CONFIG',
    repeatable: true,
    group: 'Speed',
    help: 'how single tables are read: [schema.]table:method:key:degree[;...], an empty field means its default; repeatable',
  },

  { name: 'compression_type', value: 'CODEC', group: 'Files', help: 'Zstd (default), Snappy, Gzip, Lz4 or None' },
  {
    name: 'row_group_rows',
    value: 'N',
    group: 'Files',
    help: 'maximum rows per row group (default: 1000000); a row group is also closed at 128 MiB',
  },
  { name: 'max_rows_per_file', value: 'N', group: 'Files', help: "splits a reader's output into several files" },
  {
    name: 'unbounded_numeric',
    value: 'TYPE',
    group: 'Files',
    help: 'numeric without a precision, or with more than 38 digits, as text (default), double or decimal(p,s)',
  },
  {
    name: 'arrays',
    value: 'list|json|text',
    group: 'Files',
    help: 'arrays as lists (default, one dimension only), as JSON (any number of dimensions) or as text (keeps the bounds)',
  },
  {
    name: 'timestamp_unit',
    value: 'us|ns',
    group: 'Files',
    help: 'times of SQL Server with seven digits in microseconds (default), cutting off the last, or in nanoseconds',
  },
  {
    name: 'compat',
    value: 'spark',
    group: 'Files',
    help: 'writes only types that Spark supports: uuid and time become text, because Spark cannot open tables that have them',
  },
  {
    name: 'manifest',
    value: 'beside|inside|none',
    group: 'Files',
    help: "where each table's manifest goes: beside its directory (default), inside it, or nowhere; some readers cannot read a directory that has one inside",
  },
  {
    name: 'on_unrepresentable',
    value: 'error|null',
    group: 'Files',
    help: 'a value that its Parquet type cannot hold fails the table (error, default), or is written as NULL and counted (null)',
  },

  {
    name: 'consistency',
    value: 'run|none',
    group: 'Run',
    help: 'one snapshot for all tables and readers, or none (default: run where the source can)',
  },
  { name: 'lock_timeout', value: 'TIME', group: 'Run', help: "maximum wait for a table's lock (default: 30s)" },
  {
    name: 'row_check',
    value: 'count|none',
    group: 'Run',
    help: 'counts the rows of each table that is read in several slices, and fails it where they differ (count, default), or saves the server that work (none)',
  },
  LOG_DATABASE,
  {
    name: 'log_db_mode',
    value: 'MODE',
    group: 'Run log',
    help: 'what to do with the log before the run: preserve (default), truncate or drop (recreate)',
  },
  { name: 'init_db', group: 'Run log', help: 'creates or migrates the log, and exits; needs no source' },
  {
    name: 'resume',
    short: 'r',
    value: 'RUN_ID',
    group: 'Run log',
    help: 'finishes an earlier run, with the settings of its record; the id or its beginning',
  },
  GRACE,
  { name: 'run_id', value: 'UUID', group: 'Run', help: 'names this run (default: a new one)' },
  {
    name: 'error_action',
    value: 'ACTION',
    group: 'Run',
    help: 'when a table fails: continue with the others (default; also skip), or fail',
  },

  { name: 'generate_metadata', group: 'Metadata', help: 'writes Common Data Model manifests', standing: 'later' },
  { name: 'include_entity_files', group: 'Metadata', help: 'writes an entity document per table', standing: 'later' },
  { name: 'manifest_name', value: 'NAME', group: 'Metadata', help: "manifests' name", standing: 'later' },
  {
    name: 'env_name',
    value: 'NAME',
    group: 'Run log',
    help: 'tags the run, and uses the partition_columns rows of this environment',
  },

  { name: 'dry_run', group: 'Output', help: 'same as lakeport plan: shows what would be done' },
  JSON_OUTPUT,
  ...LOGGING,

  {
    name: 'fastbcp_dir_path',
    value: 'PATH',
    group: 'Accepted and ignored',
    help: 'of LakeXpress',
    standing: 'ignored',
  },
  { name: 'license', value: 'TEXT', group: 'Accepted and ignored', help: 'of LakeXpress', standing: 'ignored' },
  { name: 'license_file', value: 'PATH', group: 'Accepted and ignored', help: 'of LakeXpress', standing: 'ignored' },
  { name: 'quiet_fbcp', group: 'Accepted and ignored', help: 'of LakeXpress', standing: 'ignored' },
  ...HELP,
];

/** For commands that need credentials only for a log database. */
const LOG_AUTH: Flag = { ...AUTH, help: 'JSON file with named credentials; needed with --log_db_auth_id' };

/** Flags of `runs`. */
export const RUNS_FLAGS: readonly Flag[] = [
  LOG_AUTH,
  LOG_DATABASE,
  { name: 'limit', value: 'N', group: 'Output', help: 'most runs to list (default: 20)' },
  JSON_OUTPUT,
  ...LOGGING,
  GRACE,
  ...HELP,
];

/** Flags of `status`. */
export const STATUS_FLAGS: readonly Flag[] = [LOG_AUTH, LOG_DATABASE, JSON_OUTPUT, ...LOGGING, GRACE, ...HELP];

/** Flags of `check`. */
export const CHECK_FLAGS: readonly Flag[] = [AUTH, JSON_OUTPUT, ...LOGGING, GRACE, ...HELP];
