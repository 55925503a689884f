import { LakeportError } from '../../errors.js';
import type { OtherRelation, SourceTable, TableProblem } from '../../sources/source.js';
import { LikePattern, TablePattern } from './like-pattern.js';
import { nearestSchemas, nearestTable, suggestedTable } from './near-names.js';
import { chooseOptIns, isLeftOut, whyLeftOut } from './opt-in-tables.js';
import { type LeftOutTable } from '../model/plan.js';
import type { ExportOptions } from '../model/options.js';
import { tableName } from '../../model/table.js';
import { someOf } from '../../text/quantities.js';

export type SelectionOptions = Pick<
  ExportOptions,
  'schemaPatterns' | 'includePatterns' | 'excludePatterns' | 'minRows' | 'maxRows' | 'optIns'
> & {
  /** Something else than tables is exported too. */
  readonly mayBeEmpty?: boolean | undefined;
};

export interface Selection {
  readonly tables: readonly SourceTable[];
  /** Tables that match the patterns, but whose kind was not requested. */
  readonly leftOut: readonly LeftOutTable[];
  readonly problems: readonly TableProblem[];
  /** One sentence each, about patterns that had no effect. */
  readonly warnings: readonly string[];
}

/** Maximum number of existing tables an error lists. */
const SUGGESTIONS = 5;

/**
 * Selects tables by the options, in the given order.
 * @param findOthers lists relations that are not tables; called only to explain a pattern without matches
 * @throws LakeportError of class `usage` if no table is left, or a pattern is invalid
 */
export async function selectTables(
  all: readonly SourceTable[],
  options: SelectionOptions,
  findOthers: () => Promise<readonly OtherRelation[]> = () => Promise.resolve([]),
): Promise<Selection> {
  const schemas = options.schemaPatterns.map((text) => new LikePattern(text, '--source-schema-name'));
  const includes = options.includePatterns.map((text) => new TablePattern(text, '--include'));
  const excludes = options.excludePatterns.map((text) => new TablePattern(text, '--exclude'));

  const inSchemas = ofSchemas(all, schemas);
  const included = inSchemas.filter(({ id }) => includes.length === 0 || includes.some((one) => one.matches(id)));
  const named = included.filter(({ id }) => !excludes.some((one) => one.matches(id)));
  const selected = chooseOptIns(
    named.filter((table) => hasRowsWithin(table, options)),
    options,
  );

  const taken = (tables: readonly SourceTable[]) => tables.filter((table) => !isLeftOut(table, options));
  const candidates = { all, tables: taken(all), inSchemas: taken(inSchemas), included: taken(included) };
  const idleIncludes = includes.filter((pattern) => !candidates.inSchemas.some(({ id }) => pattern.matches(id)));
  const idleExcludes = excludes.filter((pattern) => !included.some(({ id }) => pattern.matches(id)));
  const others = idleIncludes.length + idleExcludes.length === 0 ? [] : ofSchemas(await findOthers(), schemas);
  const reasonOf = (pattern: TablePattern) => whyNotTaken(pattern, chooseOptIns(inSchemas, options).leftOut, others);
  const reasons = idleIncludes.map((pattern) => ({ pattern, reason: reasonOf(pattern) }));

  if (selected.tables.length + selected.problems.length === 0 && options.mayBeEmpty !== true) {
    if (all.length === 0 && others.length === 0) throw noTables();
    if (candidates.included.length === 0) {
      throw noMatch(candidates, options, { reasons: reasons.flatMap(({ reason }) => reason ?? []), named });
    }
    throw nothingLeft({ included: candidates.included.length, named: taken(named).length }, options);
  }
  return {
    ...selected,
    warnings: [
      ...schemas
        .filter((pattern) => !candidates.tables.some(({ id }) => pattern.matches(id.schema)))
        .map((pattern) => idleSchema(pattern, all, options)),
      ...reasons.map(
        ({ pattern: { text }, reason }) =>
          `No table matches ${quoted(text)} of --include${reason === undefined ? suggestedTable(text, candidates.tables) : `: ${reason}`}`,
      ),
      ...idleExcludes.map((pattern) => idleExclude(pattern, others, all)),
      ...withoutRowLimits(selected.tables, options),
    ],
  };
}

interface Candidates {
  /** Of any kind. */
  readonly all: readonly SourceTable[];
  /** Those of an exported kind; then those left after schemas and `--include`. */
  readonly tables: readonly SourceTable[];
  readonly inSchemas: readonly SourceTable[];
  readonly included: readonly SourceTable[];
}

function ofSchemas<Named extends Pick<SourceTable, 'id'>>(
  tables: readonly Named[],
  schemas: readonly LikePattern[],
): Named[] {
  return tables.filter(({ id }) => schemas.length === 0 || schemas.some((one) => one.matches(id.schema)));
}

/** Why relations matching an `--include` pattern are not exported; undefined if it matches nothing. */
function whyNotTaken(
  pattern: TablePattern,
  leftOut: readonly LeftOutTable[],
  others: readonly OtherRelation[],
): string | undefined {
  const matching = leftOut.filter(({ table }) => pattern.matches(table.id));
  const reasons =
    matching.length > 0
      ? matching.map(whyLeftOut)
      : others.filter(({ id }) => pattern.matches(id)).map(({ id, what }) => `${tableName(id)} is ${what}`);
  const [first] = reasons;
  if (first === undefined) return undefined;
  return reasons.length === 1 ? first : `${first}; and ${reasons.length - 1} more of this kind`;
}

function idleSchema(pattern: LikePattern, all: readonly SourceTable[], options: SelectionOptions): string {
  const { text } = pattern;
  const [leftOut] = chooseOptIns(
    all.filter(({ id }) => pattern.matches(id.schema)),
    options,
  ).leftOut;
  if (leftOut !== undefined) {
    return `No table is in a schema matching ${quoted(text)} of --source-schema-name: ${whyLeftOut(leftOut)}`;
  }
  const [near] = nearestSchemas([text], all);
  const suggestion = near === undefined ? '' : `; the nearest existing schema is ${near.id.schema}`;
  return `No schema matches ${quoted(text)} of --source-schema-name${suggestion}`;
}

/** Excluding a partition has no effect: its rows are exported with the partitioned table. */
function idleExclude(pattern: TablePattern, others: readonly OtherRelation[], all: readonly SourceTable[]): string {
  const text = `${quoted(pattern.text)} of --exclude matches none of the tables`;
  const partition = others.find(({ id, partOf }) => partOf !== undefined && pattern.matches(id));
  if (partition !== undefined) return `${text}: ${tableName(partition.id)} is ${partition.what}`;
  const namesSomething = [...all, ...others].some(({ id }) => pattern.matches(id));
  return namesSomething ? text : `${text}${suggestedTable(pattern.text, all)}`;
}

/** Tables without an estimate are kept. */
function hasRowsWithin({ estimatedRows }: SourceTable, { minRows, maxRows }: SelectionOptions): boolean {
  if (estimatedRows === undefined) return true;
  return estimatedRows >= (minRows ?? 0) && estimatedRows <= (maxRows ?? Infinity);
}

/** Maximum number of tables a warning lists. */
const MAX_NAMED = 5;

/** The first of many tables, e.g. `a, b and 3 more`. */
export function someTables(tables: readonly Pick<SourceTable, 'id'>[]): string {
  return someOf(
    tables.map(({ id }) => tableName(id)),
    MAX_NAMED,
  );
}

/** A warning about tables without an estimate, to which row limits do not apply. */
function withoutRowLimits(selected: readonly SourceTable[], options: SelectionOptions): string[] {
  const flags = rowFlags(options);
  const unknown = selected.filter(({ estimatedRows }) => estimatedRows === undefined);
  if (flags.length === 0 || unknown.length === 0) return [];
  return [`The database has no row estimate for ${someTables(unknown)}: exported regardless of ${flags.join(' and ')}`];
}

function rowFlags({ minRows, maxRows }: SelectionOptions): string[] {
  return [
    ...(minRows === undefined ? [] : [`--min-rows ${minRows}`]),
    ...(maxRows === undefined ? [] : [`--max-rows ${maxRows}`]),
  ];
}

function noTables(): LakeportError {
  return new LakeportError({
    code: 'NO_TABLES',
    message: 'The database has no tables that this user can see',
    hint: 'Check the name of the database (--source-db-name), and that this user may read its tables.',
  });
}

function noMatch(
  { all, tables, inSchemas }: Candidates,
  options: SelectionOptions,
  { reasons, named }: { readonly reasons: readonly string[]; readonly named: readonly SourceTable[] },
): LakeportError {
  const { schemaPatterns, includePatterns } = options;
  const asksForTables = includePatterns.length > 0 && (inSchemas.length > 0 || reasons.length > 0);
  const flags = [
    ...(schemaPatterns.length === 0 ? [] : [`--source-schema-name ${schemaPatterns.map(quoted).join(', ')}`]),
    // Without a table in the schemas, `--include` was never applied.
    ...(asksForTables ? [`--include ${includePatterns.map(quoted).join(', ')}`] : []),
  ];
  const told =
    reasons.length > 0 ? reasons : chooseOptIns(named, options).leftOut.slice(0, SUGGESTIONS).map(whyLeftOut);
  const context = { detail: flags.join(' ') };
  const message =
    flags.length === 0
      ? 'The database has no ordinary tables that this user can see'
      : `No table matches ${flags.join(' with ')}`;
  if (told.length > 0) {
    const hint = `${told.slice(0, SUGGESTIONS).join('; ')}.`;
    return new LakeportError({
      code: flags.length === 0 ? 'NO_TABLES' : 'NO_TABLE_MATCHES',
      message,
      hint,
      context,
    });
  }
  const near =
    inSchemas.length === 0
      ? nearestSchemas(schemaPatterns, all)
      : includePatterns.flatMap((pattern) => nearestTable(pattern, inSchemas) ?? nearestTable(pattern, all) ?? []);
  const some = near.length > 0 ? near : inSchemas.length === 0 ? tables : inSchemas;
  const names = [...new Set(some.map(({ id }) => tableName(id)))];
  return new LakeportError({
    code: 'NO_TABLE_MATCHES',
    message,
    hint: `${near.length > 0 ? 'The nearest existing tables are' : 'Existing tables are'}: ${someOf(names, SUGGESTIONS)}.`,
    context,
  });
}

function nothingLeft(counts: { included: number; named: number }, options: SelectionOptions): LakeportError {
  const { excludePatterns } = options;
  const flags =
    counts.named === 0 ? `--exclude ${excludePatterns.map(quoted).join(', ')}` : rowFlags(options).join(' and ');
  const count = counts.named === 0 ? counts.included : counts.named;
  return new LakeportError({
    code: 'NO_TABLE_MATCHES',
    message: `No table is left after ${flags}; without it, ${count === 1 ? 'one table matches' : `${count} tables match`}`,
    hint: counts.named === 0 ? 'Exclude fewer tables.' : 'Row counts are estimates of the database; widen the limits.',
    context: { detail: flags },
  });
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
