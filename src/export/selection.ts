import { LakeportError } from '../errors.js';
import { nearest } from '../nearest.js';
import type { SourceTable } from '../sources/source.js';
import { LikePattern, TablePattern } from './like-pattern.js';
import type { ExportOptions } from './options.js';
import { tableName } from './table-name.js';

export type SelectionOptions = Pick<
  ExportOptions,
  'schemaPatterns' | 'includePatterns' | 'excludePatterns' | 'minRows' | 'maxRows'
>;

export interface Selection {
  readonly tables: readonly SourceTable[];
  /** One sentence each, about patterns that had no effect. */
  readonly warnings: readonly string[];
}

/** Names of existing tables that an error shows at most. */
const SUGGESTIONS = 5;

/**
 * The tables that the options ask for, by their given order.
 * @throws LakeportError of class `usage` where there are none, or a pattern is none
 */
export function selectTables(tables: readonly SourceTable[], options: SelectionOptions): Selection {
  const schemas = options.schemaPatterns.map((text) => new LikePattern(text, '--source_schema_name'));
  const includes = options.includePatterns.map((text) => new TablePattern(text, '--include'));
  const excludes = options.excludePatterns.map((text) => new TablePattern(text, '--exclude'));

  const inSchemas = tables.filter(({ id }) => schemas.length === 0 || schemas.some((one) => one.matches(id.schema)));
  const included = inSchemas.filter(({ id }) => includes.length === 0 || includes.some((one) => one.matches(id)));
  const named = included.filter(({ id }) => !excludes.some((one) => one.matches(id)));
  const selected = named.filter((table) => hasRowsWithin(table, options));

  if (tables.length === 0) throw noTables();
  if (included.length === 0) throw noMatch(tables, inSchemas, options);
  if (selected.length === 0) throw nothingLeft({ included: included.length, named: named.length }, options);
  return {
    tables: selected,
    warnings: [
      ...schemas
        .filter((pattern) => !tables.some(({ id }) => pattern.matches(id.schema)))
        .map(({ text }) => `No schema matches ${quoted(text)} of --source_schema_name`),
      ...includes
        .filter((pattern) => !inSchemas.some(({ id }) => pattern.matches(id)))
        .map(({ text }) => `No table matches ${quoted(text)} of --include${suggestion(text, tables)}`),
      ...excludes
        .filter((pattern) => !included.some(({ id }) => pattern.matches(id)))
        .map(({ text }) => `${quoted(text)} of --exclude matches none of the tables`),
    ],
  };
}

/** A table that the source knows no estimate of is not left out on suspicion. */
function hasRowsWithin({ estimatedRows }: SourceTable, { minRows, maxRows }: SelectionOptions): boolean {
  if (estimatedRows === undefined) return true;
  return estimatedRows >= (minRows ?? 0) && estimatedRows <= (maxRows ?? Infinity);
}

function noTables(): LakeportError {
  return new LakeportError({
    code: 'NO_TABLES',
    exit: 'usage',
    message: 'The database has no tables that this user can see',
    hint: 'Look at the database name (--source_db_name); the user needs USAGE on the schemas and SELECT on the tables.',
  });
}

function noMatch(
  tables: readonly SourceTable[],
  inSchemas: readonly SourceTable[],
  options: SelectionOptions,
): LakeportError {
  const { schemaPatterns, includePatterns } = options;
  const flags = [
    ...(schemaPatterns.length === 0 ? [] : [`--source_schema_name ${schemaPatterns.map(quoted).join(', ')}`]),
    // With no table in the schemas the names of tables have not been asked for.
    ...(inSchemas.length === 0 ? [] : [`--include ${includePatterns.map(quoted).join(', ')}`]),
  ];
  const near =
    inSchemas.length === 0
      ? nearestSchemas(schemaPatterns, tables)
      : includePatterns.flatMap((pattern) => nearestTable(pattern, inSchemas) ?? nearestTable(pattern, tables) ?? []);
  const some = (inSchemas.length === 0 ? tables : inSchemas).map(({ id }) => tableName(id));
  const all = [...new Set(near.length > 0 ? near : some)];
  const shown = all.slice(0, SUGGESTIONS).join(', ');
  const more = all.length > SUGGESTIONS ? ` and ${all.length - SUGGESTIONS} more` : '';
  return new LakeportError({
    code: 'NO_TABLE_MATCHES',
    exit: 'usage',
    message: `No table matches ${flags.join(' with ')}`,
    hint: `${near.length > 0 ? 'The nearest existing tables are' : 'Existing tables are'}: ${shown}${more}.`,
    context: { detail: flags.join(' ') },
  });
}

function nothingLeft(counts: { included: number; named: number }, options: SelectionOptions): LakeportError {
  const { excludePatterns, minRows, maxRows } = options;
  const rowFlags = [
    ...(minRows === undefined ? [] : [`--min_rows ${minRows}`]),
    ...(maxRows === undefined ? [] : [`--max_rows ${maxRows}`]),
  ];
  const flags = counts.named === 0 ? `--exclude ${excludePatterns.map(quoted).join(', ')}` : rowFlags.join(' and ');
  const count = counts.named === 0 ? counts.included : counts.named;
  return new LakeportError({
    code: 'NO_TABLE_MATCHES',
    exit: 'usage',
    message: `No table is left after ${flags}; without it, ${count === 1 ? 'one table matches' : `${count} tables match`}`,
    hint: counts.named === 0 ? 'Exclude fewer tables.' : 'Row counts are estimates of the database; widen the limits.',
    context: { detail: flags },
  });
}

function suggestion(pattern: string, tables: readonly SourceTable[]): string {
  const near = nearestTable(pattern, tables);
  return near === undefined ? '' : `; the nearest existing table is ${near}`;
}

function nearestTable(pattern: string, tables: readonly SourceTable[]): string | undefined {
  const sought = literal(pattern);
  // Of several schemas' tables of one name, the first.
  const byName = new Map(
    tables.toReversed().map(({ id }) => [sought.includes('.') ? tableName(id) : id.name, tableName(id)]),
  );
  const near = nearest(sought, byName.keys());
  return near === undefined ? undefined : byName.get(near);
}

/** Tables of the schemas that the patterns most likely meant. */
function nearestSchemas(patterns: readonly string[], tables: readonly SourceTable[]): string[] {
  const schemas = new Set(tables.map(({ id }) => id.schema));
  const near = new Set(patterns.map((pattern) => nearest(literal(pattern), schemas)));
  return tables.filter(({ id }) => near.has(id.schema)).map(({ id }) => tableName(id));
}

/** The pattern as the name that it may have been meant as. */
function literal(pattern: string): string {
  return pattern.replace(/[%\\]/g, '');
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
