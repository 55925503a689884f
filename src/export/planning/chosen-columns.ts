import { LakeportError } from '../../errors.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { ColumnChoice } from '../../sources/column-choice.js';
import { someOf } from '../../text/quantities.js';
import type { RequestedData } from '../model/requested-data.js';
import type { TableSetting } from '../model/table-setting.js';
import { ColumnSettings } from './column-settings.js';

/** Chooses columns by the patterns of `--columns` and `--exclude-columns`. */
export class ChosenColumns implements ColumnChoice {
  readonly skipsUnreadable: boolean;
  readonly #included: ColumnSettings<{ readonly column: string }>;
  readonly #excluded: ColumnSettings<{ readonly column: string }>;
  readonly #names = new Map<string, { readonly id: TableId; readonly names: readonly string[] }>();

  /** @throws LakeportError of class `usage` for a malformed pattern */
  constructor({ columns, excludedColumns, skipUnreadableColumns = false }: RequestedData) {
    this.#included = new ColumnSettings('--columns', eachColumn(columns));
    this.#excluded = new ColumnSettings('--exclude-columns', eachColumn(excludedColumns));
    this.skipsUnreadable = skipUnreadableColumns;
  }

  take(id: TableId, names: readonly string[]): ReadonlySet<string> {
    this.#names.set(tableKey(id), { id, names });
    const isLimited = this.#included.isFor(id);
    const taken = names.filter(
      (name) =>
        (!isLimited || this.#included.find(id, name) !== undefined) && this.#excluded.find(id, name) === undefined,
    );
    if (taken.length === 0 && names.length > 0) throw noneLeft(id, names);
    return new Set(taken);
  }

  /** All columns of the table, as a source has asked about them last. */
  namesOf(table: TableId): readonly string[] | undefined {
    return this.#names.get(tableKey(table))?.names;
  }

  /** Whether the user chooses among the table's columns. */
  isFor(table: TableId): boolean {
    return this.#included.isFor(table) || this.#excluded.isFor(table);
  }

  /** @throws LakeportError of class `usage` if a pattern matches none of the tables */
  requireTables(tables: readonly { readonly id: TableId }[]): void {
    for (const settings of [this.#included, this.#excluded]) settings.requireTables(tables);
  }

  /**
   * Call when all tables are described.
   * @param problems tables that failed: the columns of some are not known
   * @throws LakeportError of class `usage` if a pattern matches no column of the tables that it is for
   */
  requireColumns(tables: readonly { readonly id: TableId }[], problems: readonly { readonly id: TableId }[]): void {
    const failed = new Set(problems.map(({ id }) => tableKey(id)));
    const described = [...this.#names.values()].filter(({ id }) => !failed.has(tableKey(id)));
    for (const settings of [this.#included, this.#excluded]) settings.requireColumns(tables, described);
  }
}

/** A setting for each pattern of a list. */
function eachColumn(settings: readonly TableSetting<readonly string[]>[] = []) {
  return settings.flatMap(({ pattern, value }) => value.map((column) => ({ pattern, value: { column } })));
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
