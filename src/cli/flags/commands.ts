import { didYouMean } from '../../text/did-you-mean.js';
import type { Flag } from './flag.js';
import {
  CHECK_FLAGS,
  CLEANUP_FLAGS,
  COMPACT_FLAGS,
  CONFIG_FLAGS,
  EXPORT_FLAGS,
  HELP_FLAGS,
  INSPECT_FLAGS,
  LXDB_FLAGS,
  PLAN_FLAGS,
  RUNS_FLAGS,
  STATUS_FLAGS,
  SYNC_RUN_FLAGS,
  VERIFY_FLAGS,
  WORK_FLAGS,
} from './flags.js';
import { RESUME_SYNC } from './sync-flags.js';
import { usageError } from './usage-error.js';

export type CommandName =
  | 'export'
  | 'plan'
  | 'check'
  | 'demo'
  | 'runs'
  | 'status'
  | 'inspect'
  | 'completion'
  | 'verify'
  | 'compact'
  | 'config'
  | 'sync'
  | 'cleanup'
  | 'lxdb'
  | 'work';

/** A command of the command line; `dispatch.ts` runs it. */
export interface Command {
  readonly name: CommandName;
  /** What follows the names of the program and the command in the help. */
  readonly usage: string;
  /** Its shortest form, for the list of commands. */
  readonly synopsis: string;
  /** A line for that list. */
  readonly summary: string;
  /** Paragraphs of its help before the flags, at most 80 columns wide. */
  readonly introduction: readonly string[];
  readonly examples: readonly string[];
  readonly flags: readonly Flag[];
  /** Words that are not flags. */
  readonly operands: 'none' | 'any';
  /** Other words for it. */
  readonly aliases?: readonly string[] | undefined;
  /** Flags that are written otherwise here than elsewhere. */
  readonly ownFlags?: readonly Flag[] | undefined;
  /** Flags of each of its commands, which is the first operand. */
  readonly commands?: Readonly<Record<string, readonly Flag[]>> | undefined;
  /** The allowed operands, if they come from a list. */
  readonly operandWords?: readonly string[] | undefined;
  /** What a shell completes operands with. */
  readonly completes?: 'files' | undefined;
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

const EXPORT_USAGE = '-a FILE --source-db-auth-id ID (--output-dir PATH | --target-storage-id ID) [flags]';

const EXPORT: Command = {
  name: 'export',
  synopsis: '[flags]',
  usage: EXPORT_USAGE,
  summary: 'exports (the default)',
  introduction: [
    `Copies the tables of a database into Parquet files, on local disk or in object
storage: fast, exact, from one snapshot, each table whole or not at all.`,
  ],
  examples: [
    'lakeport -a auth.json --source-db-auth-id ds_pg --output-dir ./exports',
    `lakeport -a auth.json --source-db-auth-id ds_pg --output-dir ./exports \\
    --sub-path daily/{date} -i 'sales.%' -e '%_tmp' --n-jobs 8 --compression-type Snappy`,
    `lakeport -a auth.json --source-db-auth-id ds_pg --target-storage-id s3_lake \\
    --route 'sales.%=s3_eu' --route '%.audit_%=azure_cold/archive'`,
  ],
  flags: EXPORT_FLAGS,
  operands: 'none',
};

/** Commands given by name; without one, lakeport exports. */
export const TYPED_COMMANDS: readonly Command[] = [
  {
    name: 'plan',
    synopsis: 'plan [TABLE...] [flags]',
    usage: `[TABLE...] ${EXPORT_USAGE}`,
    summary: 'shows tables, columns, types and files to come',
    introduction: [
      `Shows what an export would do: tables, columns, types, files. Writes nothing.
Of many tables it lists the largest; --tables lists all. TABLE, a LIKE pattern as
for --include, shows tables in full: columns and slices.`,
    ],
    examples: [
      'lakeport plan -a auth.json --source-db-auth-id ds_pg --output-dir ./exports',
      "lakeport plan -a auth.json --source-db-auth-id ds_pg --output-dir ./exports -i 'sales.%'",
      'lakeport plan sales.orders -a auth.json --source-db-auth-id ds_pg --output-dir ./exports',
      'lakeport plan -a auth.json --source-db-auth-id ds_pg --output-dir ./exports --save nightly.yaml',
      'lakeport plan -a auth.json --source-db-auth-id ds_pg --target-storage-id s3_lake --json',
    ],
    flags: [...PLAN_FLAGS, ...EXPORT_FLAGS],
    operands: 'any',
  },
  {
    name: 'check',
    synopsis: 'check -a FILE [ID...]',
    usage: '-a FILE [ID...] [flags]',
    summary: 'tests databases and storages of the auth file',
    introduction: [
      `Opens databases and reads a row; to storages it writes, reads back, lists, stages
and deletes small hidden objects. Without ids, tests every entry of the auth file.`,
    ],
    examples: [
      'lakeport check -a auth.json',
      'lakeport check -a auth.json ds_pg s3_lake',
      'lakeport check -a auth.json --json',
    ],
    flags: CHECK_FLAGS,
    operands: 'any',
  },
  {
    name: 'demo',
    synopsis: 'demo',
    usage: '',
    summary: 'exports sample tables to ./lakeport-demo',
    introduction: [
      `Starts an embedded PostgreSQL on a free port, fills it with the tables of a small
shop (about 1,000,000 rows), exports them to ./lakeport-demo as any database is
exported, shows what was written, and stops the server.`,
    ],
    examples: [],
    flags: HELP_FLAGS,
    operands: 'none',
  },
  {
    name: 'runs',
    synopsis: 'runs',
    usage: '[--limit N] [flags]',
    summary: 'lists runs, from the run log',
    introduction: ['Lists the runs of the run log, the latest first.'],
    examples: [
      'lakeport runs',
      'lakeport runs --limit 100 --json',
      'lakeport runs -a auth.json --log-db-auth-id log_pg',
    ],
    flags: RUNS_FLAGS,
    operands: 'none',
  },
  {
    name: 'config',
    synopsis: 'config create|list|show|delete',
    usage: `create [--sync-id SYNC_ID] ${EXPORT_USAGE}
       lakeport config list|show|delete [--sync-id SYNC_ID] [flags]`,
    summary: 'stores syncs in the run log, for lakeport sync',
    introduction: [
      `Stores the flags of an export under an id, without credentials: lakeport sync runs
it by that id, one run at a time. Paths are stored as absolute ones. show prints the
flags as a job file.`,
    ],
    examples: [
      `lakeport config create --sync-id hourly -a auth.json --source-db-auth-id ds_pg \\
    --target-storage-id s3_lake --incremental-table sales.orders:updated_at:timestamp`,
      'lakeport config list',
      'lakeport config show --sync-id hourly > hourly.yaml',
      'lakeport config delete --sync-id hourly',
    ],
    flags: merged(CONFIG_FLAGS),
    operands: 'any',
    operandWords: Object.keys(CONFIG_FLAGS),
    commands: CONFIG_FLAGS,
  },
  {
    name: 'sync',
    aliases: ['sync[export]', 'sync[publish]'],
    synopsis: 'sync [--sync-id SYNC_ID]',
    usage: '[--sync-id SYNC_ID] [--resume] [flags]',
    summary: 'runs a stored sync',
    introduction: [
      `Runs a stored sync with its flags; those given besides count for this run. Two runs
of one sync never go on at once, on any machines: the run log has a lock for it, and
that of a dead process is taken over. Files are published with the export, so that
'sync[export]' is the same, and 'sync[publish]' has nothing left to do.`,
    ],
    examples: [
      'lakeport sync',
      'lakeport sync --sync-id hourly --json',
      'lakeport sync --sync-id hourly --resume',
      'lakeport sync --sync-id hourly -a auth.json --log-db-auth-id log_pg',
    ],
    flags: SYNC_RUN_FLAGS,
    ownFlags: [RESUME_SYNC],
    operands: 'none',
  },
  {
    name: 'cleanup',
    synopsis: 'cleanup --sync-id SYNC_ID',
    usage: '--sync-id SYNC_ID --older-than AGE [--status STATE[,STATE]] [--dry-run] [flags]',
    summary: 'removes what old runs of a stored sync have left',
    introduction: [
      `Removes what failed and replaced runs of a stored sync have left staged in their
destinations, and what the run log has of old runs. Published files stay, and so do
the last completed run, every run that is in progress and, unless --status asks for
them, runs that can still be resumed.`,
    ],
    examples: [
      'lakeport cleanup --sync-id hourly --older-than 7d --dry-run',
      'lakeport cleanup --sync-id hourly --older-than 7d --status failed,interrupted',
    ],
    flags: CLEANUP_FLAGS,
    operands: 'none',
  },
  {
    name: 'lxdb',
    aliases: ['logdb'],
    synopsis: 'lxdb init|drop|truncate|locks|release-locks',
    usage: 'init|drop|truncate|locks|release-locks [flags]',
    summary: 'creates, empties and drops the run log; shows and releases locks',
    introduction: [
      `init creates or migrates the run log. truncate removes all runs and watermarks and
keeps stored syncs and partition_columns; drop removes all of it. Both need --confirm,
and neither touches a file of an export. locks shows which runs work on stored syncs;
release-locks removes the locks of dead processes, with --confirm also of living ones.`,
    ],
    examples: [
      'lakeport lxdb init -a auth.json --log-db-auth-id log_pg',
      'lakeport lxdb locks',
      'lakeport lxdb release-locks --sync-id hourly --confirm',
      'lakeport lxdb truncate --confirm',
    ],
    flags: merged(LXDB_FLAGS),
    operands: 'any',
    operandWords: Object.keys(LXDB_FLAGS),
    commands: LXDB_FLAGS,
  },
  {
    name: 'status',
    synopsis: 'status RUN_ID',
    usage: 'RUN_ID | --sync-id SYNC_ID [flags]',
    summary: 'shows one run, or a stored sync',
    introduction: [
      `Shows what the run log has of one run: its tables, the slices of those that are not
done, files and errors. The beginning of the id is enough where no other run has it.
Of a stored sync: where each table's last sync ended, how far that is behind the
source's clock, rows per sync, and the last runs.`,
    ],
    examples: [
      'lakeport status --sync-id hourly',
      'lakeport status 2f73b4d0',
      'lakeport status 2f73b4d0-8647-41ef-8089-c403a82a4577 --json',
      'lakeport status 2f73b4d0 -a auth.json --log-db-auth-id log_pg',
    ],
    flags: STATUS_FLAGS,
    operands: 'any',
  },
  {
    name: 'inspect',
    synopsis: 'inspect PATH|ID/PATH',
    usage: 'PATH|ID/PATH [--rows N] [flags]',
    summary: 'shows what is in a Parquet file',
    introduction: [
      `Shows the columns, row groups, sizes, encodings, statistics and metadata of any
Parquet file, written by lakeport or not. Of a file in a store, ID/PATH, where ID is
an entry of the auth file, only the footer is read; with --rows also the first pages.`,
    ],
    examples: [
      'lakeport inspect ./exports/public/orders/part-00000.parquet',
      'lakeport inspect ./exports/public/orders/part-00000.parquet --rows 10',
      'lakeport inspect -a auth.json s3_lake/public/orders/part-00000.parquet --json',
    ],
    flags: INSPECT_FLAGS,
    operands: 'any',
    completes: 'files',
  },
  {
    name: 'verify',
    synopsis: 'verify RUN_ID|PATH',
    usage: 'RUN_ID|PATH|ID/PATH [flags]',
    summary: 'compares published files with manifests and run log',
    introduction: [
      `Checks that every file of a run, or of the tables at a path, is there with its bytes
and SHA-256, that its footer has the rows, columns, types and row groups of the
manifest, and that no other files lie between. Exit code 3 if anything differs.
ID is an entry of the auth file; of a path, only manifests are needed, no run log.
--deep decodes every page; --against-source compares every value with the database.`,
    ],
    examples: [
      'lakeport verify 2f73b4d0',
      'lakeport verify ./exports/public/orders',
      'lakeport verify -a auth.json s3_lake/public --json',
      'lakeport verify 2f73b4d0 --against-source -a auth.json',
    ],
    flags: VERIFY_FLAGS,
    operands: 'any',
    completes: 'files',
  },
  {
    name: 'compact',
    synopsis: 'compact RUN_ID|PATH',
    usage: 'RUN_ID|PATH|ID/PATH [flags]',
    summary: 'merges the files of synced tables into one row per key',
    introduction: [
      `Rewrites the files of tables that are synced incrementally: of all rows with one
primary key, the last is kept, that of the latest sync. Keys that a sync has listed
as deleted are left out. New files are published whole, in place of those before.
No run can write to the tables meanwhile. Tables that are exported whole are left alone.`,
    ],
    examples: [
      'lakeport compact ./exports/public/orders',
      'lakeport compact ./exports --dry-run',
      'lakeport compact -a auth.json s3_lake/public --json',
      'lakeport compact 2f73b4d0',
    ],
    flags: COMPACT_FLAGS,
    operands: 'any',
    completes: 'files',
  },
  {
    name: 'work',
    synopsis: 'work --run-id ID',
    usage: '-a FILE --log-db-auth-id ID --run-id RUN_ID [flags]',
    summary: 'reads slices of a run that waits for workers',
    introduction: [
      `Reads slices of a run that was started with --workers external, on this machine or
another one, until the run is over. Credentials come from this machine's auth file.
Needs Node.js 22.12 or later, and a run log in PostgreSQL.`,
    ],
    examples: [
      'lakeport work -a auth.json --log-db-auth-id log_pg --run-id "$RUN_ID"',
      'lakeport work -a auth.json --log-db-auth-id log_pg --run-id "$RUN_ID" -p 4 --idle-exit 60s',
    ],
    flags: WORK_FLAGS,
    operands: 'none',
  },
  {
    name: 'completion',
    synopsis: 'completion SHELL',
    usage: SHELLS.join('|'),
    summary: 'prints a script that completes commands and flags',
    introduction: ['Prints a script that makes the shell complete commands, flags and their values.'],
    examples: [
      'source <(lakeport completion bash)',
      'lakeport completion zsh > "${fpath[1]}/_lakeport"',
      'lakeport completion fish > ~/.config/fish/completions/lakeport.fish',
    ],
    flags: HELP_FLAGS,
    operands: 'any',
    operandWords: SHELLS,
  },
];

export const COMMANDS: readonly Command[] = [EXPORT, ...TYPED_COMMANDS];

/** The command of this name; undefined if there is none. */
export function typedCommand(word: string | undefined): Command | undefined {
  return TYPED_COMMANDS.find(({ name, aliases = [] }) => name === word || aliases.some((alias) => alias === word));
}

/** Each flag of several commands once. */
function merged(commands: Readonly<Record<string, readonly Flag[]>>): readonly Flag[] {
  const flags = new Map(Object.values(commands).flatMap((some) => some.map((flag) => [flag.name, flag] as const)));
  return [...flags.values()];
}

/** The command that runs if none is given. */
export function defaultCommand(): Command {
  return EXPORT;
}

/**
 * The flags of a command's own command.
 * @throws LakeportError of class `usage` if there is no such command
 */
export function flagsOf(command: Command, [word]: readonly string[]): readonly Flag[] {
  const { name, commands, flags } = command;
  if (commands === undefined) return flags;
  const own = commands[(word ?? '').replaceAll('_', '-')];
  if (own !== undefined) return own;
  const names = Object.keys(commands);
  const near = word === undefined ? undefined : didYouMean(word, names);
  throw usageError({
    code: word === undefined ? 'BAD_USAGE' : 'UNKNOWN_COMMAND',
    message:
      word === undefined
        ? `lakeport ${name} needs one of ${names.join(', ')}`
        : `There is no command lakeport ${name} ${JSON.stringify(word)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    hint: `lakeport ${name} --help shows them.`,
  });
}

export function unknownCommand(word: string): Error {
  const names = TYPED_COMMANDS.map(({ name }) => name);
  const near = didYouMean(word, names);
  return usageError({
    code: 'UNKNOWN_COMMAND',
    message: `There is no command ${JSON.stringify(word)}${near === undefined ? '' : `; did you mean ${near}?`}`,
    hint: `Commands are ${names.join(', ')}; without one, lakeport exports. A value with spaces needs quotes.`,
  });
}
