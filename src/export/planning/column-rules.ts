import { LakeportError } from '../../errors.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { ColumnTreatment, ColumnTreatments } from '../../sources/column-treatment.js';
import { someOf } from '../../text/quantities.js';
import type { ColumnOptions } from '../model/column-settings.js';
import { ColumnSettings, type NamedColumns } from './column-settings.js';

/** A described table, with all of its columns. */
interface DescribedColumns extends NamedColumns {
  /** Those to export. */
  readonly chosen: readonly string[];
}

/** Masks and types of single columns, from the flags and the policy. */
export class ColumnRules implements ColumnTreatments {
  readonly #masks: ColumnSettings<NonNullable<ColumnOptions['masks']>[number]['value']>;
  readonly #types: ColumnSettings<NonNullable<ColumnOptions['columnTypes']>[number]['value']>;
  readonly #policy: ColumnSettings<NonNullable<ColumnOptions['maskPolicy']>['columns'][number]['value']>;
  readonly #options: ColumnOptions;
  readonly #described: DescribedColumns[] = [];
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
    const isTextByValues = this.#texts.size > 0 && this.#texts.get(tableKey(table))?.has(column) === true;
    if (isTextByValues) return { mask, type: { as: 'text' }, isTextByValues };
    return mask === undefined && type === undefined ? undefined : { mask, type };
  }

  /** Remembers a table's columns, for the questions below. */
  described(id: TableId, names: readonly string[], chosen: readonly string[]): void {
    if (this.#options.maskPolicy === undefined && this.#masks.isEmpty && this.#types.isEmpty) return;
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
    for (const settings of [this.#masks, this.#types]) {
      settings.requireTables(tables);
      settings.requireColumns(tables, this.#described);
    }
    this.#policy.requireColumnsOfNamed(this.#described);
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

/** Names of columns in an error. */
const MOST_LISTED = 30;

function notListed(columns: readonly string[], path: string): LakeportError {
  const are = columns.length === 1 ? '1 column that is' : `${columns.length} columns that are`;
  return new LakeportError({
    code: 'COLUMN_NOT_LISTED',
    message: `The policy ${path} lets unlisted columns fail, and there ${columns.length === 1 ? 'is' : 'are'} ${are} not in it: ${someOf(columns, MOST_LISTED)}`,
    hint: 'Decide: add each to the policy with a mask, or with none to export it as it is.',
    context: { detail: '--mask-file' },
  });
}
