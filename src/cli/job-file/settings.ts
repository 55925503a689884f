import { type Flag, FLAG_GROUPS } from '../flags/flag.js';
import { EXPORT_FLAGS, FLAGS, HELP_FLAGS } from '../flags/flags.js';

/** What a job file may hold: the flags of an export, and under `tables` those that are set by table. */

/** Without flags that ask for something else than an export, or that name the file itself. */
const NOT_IN_A_FILE: ReadonlySet<Flag> = new Set<Flag>([
  ...HELP_FLAGS,
  FLAGS.config,
  FLAGS.dryRun,
  FLAGS.initDb,
  FLAGS.resume,
]);

/** The flags that a job file may hold, by heading. */
export const JOB_FLAGS: readonly Flag[] = FLAG_GROUPS.flatMap((group) =>
  EXPORT_FLAGS.filter((flag) => flag.group === group && flag.standing === undefined && !NOT_IN_A_FILE.has(flag)),
);

/** How a flag's value is written under a table's pattern. */
export type TableForm =
  /** What follows `PATTERN:`. A list is joined by commas where the flag takes one; else each item is a value of its own. */
  | { readonly kind: 'value'; readonly separator: string; readonly isList: boolean }
  /** A mapping of columns to what follows `PATTERN:COLUMN:`. */
  | { readonly kind: 'columns' };

/** Told by the placeholder of the flag's value; undefined for a flag that is not set by table. */
export function tableForm({ value, repeatable }: Flag): TableForm | undefined {
  if (value === undefined || !repeatable) return undefined;
  if (/^PATTERN[:.]COLUMN:/.test(value)) return { kind: 'columns' };
  const separator = /^PATTERN([:=])/.exec(value)?.[1];
  return separator === undefined ? undefined : { kind: 'value', separator, isList: /:(?:LIST|COLUMNS)$/.test(value) };
}

/** The flags that may stand under a table's pattern. */
export const TABLE_FLAGS: readonly Flag[] = JOB_FLAGS.filter((flag) => tableForm(flag) !== undefined);

/** The fields of `--table-config`, which stand under the table's own name. */
export const TABLE_CONFIG_FIELDS = ['method', 'key', 'degree'] as const;

/** The key of the settings by table. */
export const TABLES_KEY = 'tables';
/** An editor looks there for the file's JSON Schema. */
export const SCHEMA_KEY = '$schema';
