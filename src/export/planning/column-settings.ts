import { LakeportError } from '../../errors.js';
import { type TableId, tableKey } from '../../model/table.js';
import { didYouMean } from '../../text/did-you-mean.js';
import { someOf } from '../../text/quantities.js';
import type { TableSetting } from '../model/table-setting.js';
import { hasWildcard, LikePattern, literalText, type TablePattern } from './like-pattern.js';
import { TableSettings } from './table-settings.js';

/** A table whose columns are known. */
export interface NamedColumns {
  readonly id: TableId;
  /** Those that patterns may mean. */
  readonly names: readonly string[];
}

/** The settings that one flag gives to columns, by patterns of the names of tables and columns. */
export class ColumnSettings<T extends { readonly column: string }> {
  readonly #flag: string;
  readonly #settings: TableSettings<{ readonly columns: LikePattern; readonly value: T }>;
  /** Of the table that was asked for last: tables are described one after the other. */
  #last:
    | { readonly key: string; readonly matching: readonly { readonly columns: LikePattern; readonly value: T }[] }
    | undefined;

  /**
   * @param flag with its dashes
   * @throws LakeportError of class `usage` for a malformed pattern
   */
  constructor(flag: string, settings: readonly TableSetting<T>[] = []) {
    this.#flag = flag;
    const compiled = settings.map(({ pattern, value }) => ({
      pattern,
      value: { columns: new LikePattern(value.column, flag), value },
    }));
    this.#settings = new TableSettings(flag, compiled);
  }

  get isEmpty(): boolean {
    return this.#settings.all.length === 0;
  }

  /** Whether there is a setting for columns of the table. */
  isFor(table: TableId): boolean {
    return this.#of(table).length > 0;
  }

  /** The first that matches the column. */
  find(table: TableId, column: string): T | undefined {
    return this.#of(table).find(({ columns }) => columns.matches(column))?.value;
  }

  /** @throws LakeportError of class `usage` if a pattern matches none of the tables */
  requireTables(tables: readonly { readonly id: TableId }[]): void {
    this.#settings.requireMatches(tables);
  }

  /**
   * @param tables all that are to be exported: one whose columns are not known may have the column
   * @throws LakeportError of class `usage` if a setting matches no column of the tables that it is for
   */
  requireColumns(tables: readonly { readonly id: TableId }[], described: readonly NamedColumns[]): void {
    const isKnown = new Set(described.map(({ id }) => tableKey(id)));
    const unknown = tables.filter(({ id }) => !isKnown.has(tableKey(id)));
    for (const setting of this.#settings.all) {
      if (!unknown.some(({ id }) => setting.pattern.matches(id))) this.#requireColumn(setting, described);
    }
  }

  /** Like `requireColumns`, for settings that name one table, and only if it is among these; others may be meant for other runs. */
  requireColumnsOfNamed(described: readonly NamedColumns[]): void {
    for (const setting of this.#settings.all) {
      const isNamed = !hasWildcard(setting.pattern.text) && described.some(({ id }) => setting.pattern.matches(id));
      if (isNamed) this.#requireColumn(setting, described);
    }
  }

  #of(table: TableId) {
    // It is asked for each column of thousands of tables.
    if (this.isEmpty) return [];
    const key = tableKey(table);
    if (this.#last?.key !== key) this.#last = { key, matching: this.#settings.of(table) };
    return this.#last.matching;
  }

  #requireColumn(
    {
      pattern,
      value: { columns },
    }: { readonly pattern: TablePattern; readonly value: { readonly columns: LikePattern } },
    described: readonly NamedColumns[],
  ): void {
    const matching = described.filter(({ id }) => pattern.matches(id));
    if (matching.some(({ names }) => names.some((name) => columns.matches(name)))) return;
    throw withoutColumn(this.#flag, { tables: pattern.text, columns: columns.text }, matching);
  }
}

/** Names of columns in an error. */
const MOST_LISTED = 30;

function withoutColumn(
  flag: string,
  patterns: { readonly tables: string; readonly columns: string },
  matching: readonly NamedColumns[],
): LakeportError {
  const [only] = matching;
  const isOne = matching.length === 1 && only !== undefined;
  const near = didYouMean(literalText(patterns.columns), new Set(matching.flatMap(({ names }) => names)));
  return new LakeportError({
    code: 'PATTERN_WITHOUT_MATCH',
    message: `No column of ${patterns.tables} matches ${JSON.stringify(patterns.columns)} of ${flag}${near === undefined ? '' : `; the nearest existing column is ${near}`}`,
    hint: isOne
      ? `Its columns are ${someOf(only.names, MOST_LISTED)}`
      : 'Correct the pattern, or leave the setting out',
    context: { detail: flag },
  });
}
