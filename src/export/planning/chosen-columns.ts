import { LakeportError } from '../../errors.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { ColumnChoice } from '../../sources/column-choice.js';
import { didYouMean } from '../../text/did-you-mean.js';
import { someOf } from '../../text/quantities.js';
import type { RequestedData } from '../model/requested-data.js';
import type { TableSetting } from '../model/table-setting.js';
import { LikePattern } from './like-pattern.js';
import { TableSettings } from './table-settings.js';

/** Chooses columns by the patterns of `--columns` and `--exclude-columns`, and notices those that match none. */
export class ChosenColumns implements ColumnChoice {
  readonly skipsUnreadable: boolean;
  readonly #included: ColumnPatterns;
  readonly #excluded: ColumnPatterns;
  readonly #names = new Map<string, readonly string[]>();

  /** @throws LakeportError of class `usage` for a malformed pattern */
  constructor({ columns, excludedColumns, skipUnreadableColumns = false }: RequestedData) {
    this.#included = new ColumnPatterns('--columns', columns);
    this.#excluded = new ColumnPatterns('--exclude-columns', excludedColumns);
    this.skipsUnreadable = skipUnreadableColumns;
  }

  take(table: TableId, names: readonly string[]): ReadonlySet<string> {
    this.#names.set(tableKey(table), names);
    const included = this.#included.of(table, names);
    const excluded = this.#excluded.of(table, names);
    const taken = names.filter((name) => included?.has(name) !== false && excluded?.has(name) !== true);
    if (taken.length === 0 && names.length > 0) throw noneLeft(table, names);
    return new Set(taken);
  }

  /** All columns of the table, as a source has asked about them last. */
  namesOf(table: TableId): readonly string[] | undefined {
    return this.#names.get(tableKey(table));
  }

  /** Whether the user chooses among the table's columns. */
  isFor(table: TableId): boolean {
    return this.#included.isFor(table) || this.#excluded.isFor(table);
  }

  /** @throws LakeportError of class `usage` if a pattern matches none of the tables */
  requireTables(tables: readonly { readonly id: TableId }[]): void {
    for (const patterns of [this.#included, this.#excluded]) patterns.requireTables(tables);
  }

  /**
   * Call when all tables are described.
   * @param unknown tables whose columns are not known
   * @throws LakeportError of class `usage` if a pattern matches no column of the tables that it is for
   */
  requireColumns(unknown: readonly TableId[]): void {
    for (const patterns of [this.#included, this.#excluded]) patterns.requireColumns(unknown);
  }
}

interface ColumnPattern {
  readonly pattern: LikePattern;
  readonly tables: string;
  isIdle: boolean;
}

/** The patterns of one flag. */
class ColumnPatterns {
  readonly #flag: string;
  readonly #settings: TableSettings<readonly ColumnPattern[]>;
  readonly #patterns: readonly ColumnPattern[];
  readonly #names = new Set<string>();

  constructor(flag: string, settings: readonly TableSetting<readonly string[]>[] = []) {
    this.#flag = flag;
    const compiled = settings.map(({ pattern: tables, value }) => ({
      pattern: tables,
      value: value.map((text) => ({ pattern: new LikePattern(text, flag), tables, isIdle: true })),
    }));
    this.#settings = new TableSettings(flag, compiled);
    this.#patterns = compiled.flatMap(({ value }) => value);
  }

  /** The names that the patterns for the table match; undefined if there are none for it. */
  of(table: TableId, names: readonly string[]): ReadonlySet<string> | undefined {
    const settings = this.#settings.of(table);
    if (settings.length === 0) return undefined;
    const matched = new Set<string>();
    for (const name of names) this.#names.add(name);
    for (const one of settings.flat()) {
      for (const name of names) {
        if (!one.pattern.matches(name)) continue;
        matched.add(name);
        one.isIdle = false;
      }
    }
    return matched;
  }

  isFor(table: TableId): boolean {
    return this.#settings.of(table).length > 0;
  }

  requireTables(tables: readonly { readonly id: TableId }[]): void {
    this.#settings.requireMatches(tables);
  }

  requireColumns(unknown: readonly TableId[]): void {
    const excused = new Set(unknown.flatMap((table) => this.#settings.of(table).flat()));
    const idle = this.#patterns.find((one) => one.isIdle && !excused.has(one));
    if (idle === undefined) return;
    const { text } = idle.pattern;
    const near = didYouMean(text.replace(/[%\\]/g, ''), this.#names);
    throw new LakeportError({
      code: 'PATTERN_WITHOUT_MATCH',
      message: `No column of the tables matching ${JSON.stringify(idle.tables)} matches ${JSON.stringify(text)} of ${this.#flag}${near === undefined ? '' : `; the nearest existing column is ${near}`}`,
      hint: 'Correct the pattern, or leave it out',
      context: { detail: this.#flag },
    });
  }
}

/** Maximum number of columns that an error lists. */
const MOST_LISTED = 30;

function noneLeft(table: TableId, names: readonly string[]): LakeportError {
  return new LakeportError({
    code: 'NO_COLUMN_LEFT',
    message: `No column of ${tableName(table)} is left after --columns and --exclude-columns`,
    hint: `Its columns are ${someOf(names, MOST_LISTED)}; leave the table out with --exclude`,
    context: { table: tableName(table) },
  });
}
