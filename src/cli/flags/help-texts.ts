/** The parts of the help that are not flags. */

export const USAGE = {
  export: '-a FILE --source_db_auth_id ID (--output_dir PATH | --target_storage_id ID) [flags]',
  plan: '-a FILE --source_db_auth_id ID (--output_dir PATH | --target_storage_id ID) [flags]',
  check: '-a FILE [ID...] [flags]',
  runs: '[--limit N] [flags]',
  status: 'RUN_ID [flags]',
} as const;

const SPELLING = 'Flags may also be written with - for _, as in --output-dir.';

/** Paragraphs between usage and flags, at most 80 columns wide. */
export const INTRODUCTIONS = {
  export: [
    `Copies the tables of a database into Parquet files, on local disk or in object
storage: fast, exact, from one snapshot, each table whole or not at all.`,
    `Commands:
  lakeport [flags]                exports (the default)
  lakeport plan [flags]           shows tables, columns, types and files to come
  lakeport check -a FILE [ID...]  tests databases and storages of the auth file
  lakeport demo                   exports sample tables to ./lakeport-demo
  lakeport runs                   lists runs, from the run log
  lakeport status RUN_ID          shows one run: tables, files, errors
  lakeport -r RUN_ID -a FILE      finishes a run that failed or was interrupted
  lakeport verify RUN_ID          checks published files (not available yet)`,
    SPELLING,
  ],
  plan: ['Shows what an export would do: tables, columns, types, files. Writes nothing.', SPELLING],
  check: [
    `Opens databases and reads a row; to storages it writes, reads back, lists, stages
and deletes small hidden objects. Without ids, tests every entry of the auth file.`,
    SPELLING,
  ],
  runs: ['Lists the runs of the run log, the latest first.', SPELLING],
  status: [
    `Shows what the run log has of one run: its tables, the partitions of those that are not
done, files and errors. The beginning of the id is enough where no other run has it.`,
    SPELLING,
  ],
} as const;

export const EXAMPLES = {
  export: `Examples:
  lakeport -a auth.json --source_db_auth_id ds_pg --output_dir ./exports
  lakeport -a auth.json --source_db_auth_id ds_pg --output_dir ./exports \\
    --sub_path daily/{date} -i 'sales.%' -e '%_tmp' --n_jobs 8 --compression_type Snappy
  lakeport -a auth.json --source_db_auth_id ds_pg --target_storage_id s3_lake \\
    --route 'sales.%=s3_eu' --route '%.audit_%=azure_cold/archive'`,
  plan: `Examples:
  lakeport plan -a auth.json --source_db_auth_id ds_pg --output_dir ./exports
  lakeport plan -a auth.json --source_db_auth_id ds_pg --output_dir ./exports -i 'sales.%'
  lakeport plan -a auth.json --source_db_auth_id ds_pg --target_storage_id s3_lake --json`,
  check: `Examples:
  lakeport check -a auth.json
  lakeport check -a auth.json ds_pg s3_lake
  lakeport check -a auth.json --json`,
  runs: `Examples:
  lakeport runs
  lakeport runs --limit 100 --json
  lakeport runs -a auth.json --log_db_auth_id log_pg`,
  status: `Examples:
  lakeport status 2f73b4d0
  lakeport status 2f73b4d0-8647-41ef-8089-c403a82a4577 --json
  lakeport status 2f73b4d0 -a auth.json --log_db_auth_id log_pg`,
} as const;
