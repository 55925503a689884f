import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import { takesBloomFilter } from '../../parquet/bloom-filter.js';
import type { ReadColumn } from '../../sources/source.js';
import type { ColumnOptions } from '../model/column-settings.js';
import { ColumnSettings, type NamedColumns } from './column-settings.js';
import { hasWildcard } from './like-pattern.js';

const FLAG = '--bloom-filter';

/** Which columns get Bloom filters. */
export class BloomFilterRules {
  readonly #settings: ColumnSettings<NonNullable<ColumnOptions['bloomFilters']>[number]['value']>;
  readonly #described: NamedColumns[] = [];
  #refused: { readonly table: TableId; readonly column: string } | undefined;

  /** @throws LakeportError of class `usage` for a malformed pattern */
  constructor({ bloomFilters }: ColumnOptions) {
    this.#settings = new ColumnSettings(FLAG, bloomFilters);
  }

  /** The columns to export, with what is asked for them. A wildcard does not ask for filters that there cannot be. */
  applied(id: TableId, columns: readonly ReadColumn[]): readonly ReadColumn[] {
    if (this.#settings.isEmpty) return columns;
    const names = columns.map(({ spec }) => spec.name);
    this.#described.push({ id, names });
    return columns.map((column) => {
      const { spec } = column;
      const setting = this.#settings.find(id, spec.name);
      if (setting === undefined) return column;
      if (takesBloomFilter(spec)) return { ...column, spec: { ...spec, bloomFilter: setting.falsePositives } };
      if (!hasWildcard(setting.column)) this.#refused ??= { table: id, column: spec.name };
      return column;
    });
  }

  /** @throws LakeportError of class `usage` if a setting matches no exported column, or one without filters */
  requireMatches(tables: readonly { readonly id: TableId }[]): void {
    this.#settings.requireTables(tables);
    this.#settings.requireColumns(tables, this.#described);
    if (this.#refused === undefined) return;
    const { table, column } = this.#refused;
    throw new LakeportError({
      code: 'BLOOM_FILTER_OF_BOOLEAN',
      message: `${tableName(table)}.${column} is boolean, for which Parquet has no Bloom filters`,
      hint: `Leave the column out of ${FLAG}; its statistics say whether a row group has both values.`,
      context: { table: tableName(table), column },
    });
  }
}
