import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import { METHOD_NAMES, methodNamed } from '../model/method-names.js';
import type { SortColumn } from '../../model/sort-column.js';
import type { ReadColumn, TableOverride } from '../../sources/source.js';
import type { TableConfig } from '../model/options.js';
import { suggestedTable } from './near-names.js';
import { TableSettings } from './table-settings.js';
import type { TableSetting } from '../model/table-setting.js';
import { readersPerTable } from './reader-budget.js';
import type { RecordedOverride } from '../model/recorded-override.js';

const PARTITION_BY = '--partition-by';

export interface OverrideSources {
  /** Rows of `partition_columns`; the first that names a table wins, before any of the command line. */
  readonly recorded: readonly RecordedOverride[];
  readonly config: readonly TableConfig[];
  /** Replaces methods and keys of `recorded`; not to be combined with those of `config`. */
  readonly partitionBy?: readonly TableSetting<string>[] | undefined;
  readonly sortBy?: readonly TableSetting<readonly SortColumn[]>[] | undefined;
  readonly cores: number;
}

/** Overrides for individual tables, from `partition_columns` or else from the command line. */
export class TableOverrides {
  readonly #sources: OverrideSources;
  readonly #partitionBy: TableSettings<string>;
  readonly #sortBy: TableSettings<readonly SortColumn[]>;

  /** @throws LakeportError of class `usage` for a malformed pattern */
  constructor(sources: OverrideSources) {
    this.#sources = sources;
    this.#partitionBy = new TableSettings(PARTITION_BY, sources.partitionBy);
    this.#sortBy = new TableSettings('--sort-by', sources.sortBy);
  }

  /**
   * Undefined if there is none for the table.
   * @throws LakeportError if a row of `partition_columns` names an unknown method, or two settings exclude each other
   */
  of(table: TableId): TableOverride | undefined {
    const configured = this.#configured(table);
    const key = this.#partitionBy.of(table).at(-1);
    if (key === undefined) return configured;
    const isOtherwise = best(this.#sources.recorded, table) === undefined && hasMethod(configured);
    if (isOtherwise) throw splitTwice(table);
    return { method: 'DataDriven', key, degree: configured?.degree };
  }

  /** @throws LakeportError of class `usage` if a pattern matches none of the tables */
  requireMatches(tables: readonly { readonly id: TableId }[]): void {
    this.#partitionBy.requireMatches(tables);
    this.#sortBy.requireMatches(tables);
  }

  /**
   * By which columns the rows of each slice are sorted, by their exact names.
   * @throws LakeportError if one does not exist, or is masked
   */
  sortOf(table: TableId, columns: readonly ReadColumn[]): readonly SortColumn[] {
    return (this.#sortBy.of(table).at(-1) ?? []).map(({ column: name, descending }) => {
      const folded = columns.filter(({ spec }) => spec.name.toLowerCase() === name.toLowerCase());
      const column = columns.find(({ spec }) => spec.name === name) ?? (folded.length === 1 ? folded[0] : undefined);
      if (column === undefined) throw unknownSortColumn(table, name, columns);
      if (column.spec.mask !== undefined) throw maskedSortColumn(table, name);
      return { column: column.spec.name, descending };
    });
  }

  #configured(table: TableId): TableOverride | undefined {
    const setting = best(this.#sources.recorded, table);
    const { method: text } = setting ?? {};
    const method = text === undefined ? undefined : methodNamed(text);
    if (text !== undefined && method === undefined) throw unknownMethod(text, table);
    const chosen = setting === undefined ? best(this.#sources.config, table) : { ...setting, method };
    if (chosen === undefined) return undefined;
    const { key, degree } = chosen;
    return {
      method: chosen.method,
      key,
      degree: degree === undefined ? undefined : readersPerTable(degree, this.#sources.cores),
    };
  }

  /** One sentence for each entry of the command line that matches no table. */
  warnings(tables: readonly TableId[]): string[] {
    return this.#sources.config
      .filter((entry) => !tables.some((table) => isFor(entry, table, exactly) || isFor(entry, table, inAnyCase)))
      .map(({ schema, table }) => {
        const name = schema === undefined ? table : `${schema}.${table}`;
        const ids = tables.map((id) => ({ id }));
        return `No exported table is called ${JSON.stringify(name)}, as --table-config says${suggestedTable(name, ids)}`;
      });
  }
}

interface Named {
  readonly schema: string | undefined;
  readonly table: string;
}

/** An exact match wins over one that ignores case, and a name with a schema over one without. */
function best<Entry extends Named>(entries: readonly Entry[], table: TableId): Entry | undefined {
  for (const equal of [exactly, inAnyCase]) {
    const matching = entries.filter((entry) => isFor(entry, table, equal));
    const found = matching.find(({ schema }) => schema !== undefined) ?? matching[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

type Equality = (a: string, b: string) => boolean;

function isFor(entry: Named, { schema, name }: TableId, equal: Equality): boolean {
  return equal(entry.table, name) && (entry.schema === undefined || equal(entry.schema, schema));
}

function exactly(a: string, b: string): boolean {
  return a === b;
}

function inAnyCase(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function hasMethod({ method, key }: TableOverride = {}): boolean {
  return method !== undefined || key !== undefined;
}

function splitTwice(table: TableId): LakeportError {
  return new LakeportError({
    code: 'FLAG_CONFLICT',
    message: `${tableName(table)} has a method or a key in --table-config, and ${PARTITION_BY} would split it by another`,
    hint: 'Leave one of them out; a number of readers alone ("table:::4") goes with both',
    context: { table: tableName(table), detail: PARTITION_BY },
  });
}

function unknownSortColumn(table: TableId, name: string, columns: readonly ReadColumn[]): LakeportError {
  return new LakeportError({
    code: 'COLUMN_NOT_FOUND',
    message: `${tableName(table)} has no column ${name} to sort it by`,
    hint: `Its exported columns are ${columns.map(({ spec }) => spec.name).join(', ')}`,
    context: { table: tableName(table), column: name },
  });
}

function maskedSortColumn(table: TableId, name: string): LakeportError {
  return new LakeportError({
    code: 'FLAG_CONFLICT',
    message: `${tableName(table)} cannot be sorted by ${name}: the column is masked, and the order of the rows would tell about its values`,
    hint: 'Sort it by another column, or leave --sort-by out',
    context: { table: tableName(table), column: name },
  });
}

function unknownMethod(text: string, table: TableId): LakeportError {
  return new LakeportError({
    code: 'METHOD_UNKNOWN',
    message: `partition_columns names an unknown partition method, ${JSON.stringify(text)}, for ${tableName(table)}`,
    hint: `The methods are ${METHOD_NAMES.join(', ')}.`,
    context: { table: tableName(table), detail: 'fastbcp_method' },
  });
}
