import { LakeportError } from '../../errors.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { ColumnTreatment, ColumnTreatments } from '../../sources/column-treatment.js';
import { someOf } from '../../text/quantities.js';
import type { ColumnOptions } from '../model/column-settings.js';
import type { TableSetting } from '../model/table-setting.js';
import { LikePattern, TablePattern } from './like-pattern.js';
import { TableSettings } from './table-settings.js';

/** A described table. */
export interface NamedColumns {
  readonly id: TableId;
  /** All of its columns. */
  readonly names: readonly string[];
  /** Those to export. */
  readonly chosen: readonly string[];
}

/** Masks and types of single columns, from the flags and the policy. */
export class ColumnRules implements ColumnTreatments {
  readonly #masks: ColumnSettings<NonNullable<ColumnOptions['masks']>[number]['value']>;
  readonly #types: ColumnSettings<NonNullable<ColumnOptions['columnTypes']>[number]['value']>;
  readonly #policy: ColumnSettings<NonNullable<ColumnOptions['maskPolicy']>['columns'][number]['value']>;
  readonly #options: ColumnOptions;
  readonly #described: NamedColumns[] = [];
  /** By table: columns that are text because of their values. */
  readonly #texts = new Map<string, ReadonlySet<string>>();

  /** @throws LakeportError of class `usage` for a malformed pattern */
  constructor(options: ColumnOptions) {
    this.#options = options;
    this.#masks = new ColumnSettings('--mask', options.masks);
    this.#types = new ColumnSettings('--column-type', options.columnTypes);
    this.#policy = new ColumnSettings('--mask-file', options.maskPolicy?.columns);
  }

  /** The command line counts before the policy. */
  of(table: TableId, column: string): ColumnTreatment | undefined {
    const mask = (this.#masks.find(table, column) ?? this.#policy.find(table, column))?.mask;
    const type = this.#types.find(table, column)?.type;
    const isTextByValues = this.#texts.get(tableKey(table))?.has(column) === true;
    if (isTextByValues) return { mask, type: { as: 'text' }, isTextByValues };
    return mask === undefined && type === undefined ? undefined : { mask, type };
  }

  /** Remembers a table's columns, for the questions below. */
  described(id: TableId, names: readonly string[], chosen: readonly string[]): void {
    this.#described.push({ id, names, chosen });
  }

  /** From now on, these columns of the table are text. */
  writeAsText(table: TableId, columns: readonly string[]): void {
    const known = this.#texts.get(tableKey(table)) ?? [];
    this.#texts.set(tableKey(table), new Set([...known, ...columns]));
  }

  /**
   * @param tables all that are to be exported; some of them may not have been described
   * @throws LakeportError of class `usage` if a setting matches no column
   */
  requireMatches(tables: readonly { readonly id: TableId }[]): void {
    for (const settings of [this.#masks, this.#types]) settings.requireMatches(tables, this.#described);
    this.#policy.requireColumns(this.#described);
  }

  /** @throws LakeportError of class `usage` if the policy wants a decision about a column that it does not name */
  requireListed(): void {
    const { maskPolicy } = this.#options;
    if (maskPolicy?.unlisted !== 'fail') return;
    const unlisted = this.#described.flatMap(({ id, chosen }) => {
      const open = chosen.filter((name) => !(this.#policy.find(id, name) ?? this.#masks.find(id, name)));
      return open.map((name) => `${tableName(id)}.${name}`);
    });
    if (unlisted.length > 0) throw notListed(unlisted, maskPolicy.path);
  }
}

/** Settings of one flag for columns; the first that matches counts. */
export class ColumnSettings<T extends { readonly column: string }> {
  readonly #flag: string;
  readonly #tables: TableSettings<{ readonly columns: LikePattern; readonly value: T }>;
  readonly #settings: readonly { readonly tables: TablePattern; readonly columns: LikePattern }[];
  /** Of the table that was asked for last: tables are described one after the other. */
  #last:
    | { readonly key: string; readonly matching: readonly { readonly columns: LikePattern; readonly value: T }[] }
    | undefined;

  constructor(flag: string, settings: readonly TableSetting<T>[] = []) {
    this.#flag = flag;
    const compiled = settings.map(({ pattern, value }) => ({
      pattern,
      value: { columns: new LikePattern(value.column, flag), value },
    }));
    this.#tables = new TableSettings(flag, compiled);
    this.#settings = compiled.map(({ pattern, value }) => ({
      tables: new TablePattern(pattern, flag),
      columns: value.columns,
    }));
  }

  find(table: TableId, column: string): T | undefined {
    const key = tableKey(table);
    if (this.#last?.key !== key) this.#last = { key, matching: this.#tables.of(table) };
    return this.#last.matching.find(({ columns }) => columns.matches(column))?.value;
  }

  requireMatches(tables: readonly { readonly id: TableId }[], described: readonly NamedColumns[]): void {
    this.#tables.requireMatches(tables);
    const isKnown = new Set(described.map(({ id }) => tableKey(id)));
    const unknown = tables.filter(({ id }) => !isKnown.has(tableKey(id)));
    for (const setting of this.#settings) {
      // A table that fails may have the column.
      if (unknown.some(({ id }) => setting.tables.matches(id))) continue;
      const matching = described.filter(({ id }) => setting.tables.matches(id));
      if (!hasColumn(matching, setting.columns)) throw withoutColumn(this.#flag, setting, matching);
    }
  }

  /** Like `requireMatches`, for settings that name one table; those for others may be meant for other runs. */
  requireColumns(described: readonly NamedColumns[]): void {
    for (const setting of this.#settings.filter(({ tables }) => !hasWildcard(tables.text))) {
      const matching = described.filter(({ id }) => setting.tables.matches(id));
      if (matching.length > 0 && !hasColumn(matching, setting.columns)) {
        throw withoutColumn(this.#flag, setting, matching);
      }
    }
  }
}

function hasColumn(tables: readonly NamedColumns[], columns: LikePattern): boolean {
  return tables.some(({ names }) => names.some((name) => columns.matches(name)));
}

/** Outside of escapes; an underscore is more often part of a name than a wildcard. */
function hasWildcard(pattern: string): boolean {
  return pattern.replaceAll(/\\[\s\S]/g, '').includes('%');
}

/** Names of columns in an error. */
const MOST_LISTED = 30;

function withoutColumn(
  flag: string,
  { tables, columns }: { readonly tables: TablePattern; readonly columns: LikePattern },
  matching: readonly NamedColumns[],
): LakeportError {
  const [only] = matching;
  const known =
    matching.length === 1 && only !== undefined ? `Its columns are ${someOf(only.names, MOST_LISTED)}` : undefined;
  return new LakeportError({
    code: 'PATTERN_WITHOUT_MATCH',
    message: `No column of ${tables.text} matches ${JSON.stringify(columns.text)} of ${flag}`,
    hint: known ?? 'Correct the pattern, or leave the setting out',
    context: { detail: flag },
  });
}

function notListed(columns: readonly string[], path: string): LakeportError {
  const are = columns.length === 1 ? '1 column that is' : `${columns.length} columns that are`;
  return new LakeportError({
    code: 'COLUMN_NOT_LISTED',
    message: `The policy ${path} lets unlisted columns fail, and there ${columns.length === 1 ? 'is' : 'are'} ${are} not in it: ${someOf(columns, MOST_LISTED)}`,
    hint: 'Decide: add each to the policy with a mask, or with none to export it as it is.',
    context: { detail: '--mask-file' },
  });
}
