import { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';
import type { TableSetting } from '../model/table-setting.js';
import { TablePattern } from './like-pattern.js';
import { suggestedTable } from './near-names.js';

/** The settings that one flag gives to tables by patterns of their names. */
export class TableSettings<T> {
  /** In the order in which they were given. */
  readonly all: readonly { readonly pattern: TablePattern; readonly value: T }[];
  readonly #flag: string;

  /**
   * @param flag with its dashes
   * @throws LakeportError of class `usage` for a malformed pattern
   */
  constructor(flag: string, settings: readonly TableSetting<T>[] = []) {
    this.#flag = flag;
    this.all = settings.map(({ pattern, value }) => ({ pattern: new TablePattern(pattern, flag), value }));
  }

  /** The values of all settings whose patterns match the table, in the order in which they were given. */
  of(table: TableId): readonly T[] {
    return this.all.filter(({ pattern }) => pattern.matches(table)).map(({ value }) => value);
  }

  /** @throws LakeportError of class `usage` if a pattern matches none of the tables */
  requireMatches(tables: readonly { readonly id: TableId }[]): void {
    const idle = this.all.find(({ pattern }) => !tables.some(({ id }) => pattern.matches(id)));
    if (idle === undefined) return;
    const { text } = idle.pattern;
    throw new LakeportError({
      code: 'PATTERN_WITHOUT_MATCH',
      message: `No exported table matches ${JSON.stringify(text)} of ${this.#flag}${suggestedTable(text, tables)}`,
      hint: 'Correct the pattern, export the table too, or leave the setting out',
      context: { detail: this.#flag },
    });
  }
}
