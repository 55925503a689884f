import type { SourceTable } from '../../sources/source.js';
import { tableKey, tableName } from '../../model/table.js';

/** What users should know about a table that is exported nevertheless. */
export interface TableNote {
  /** Stable, for scripts. */
  readonly code: 'ROWS_TWICE' | 'OUTSIDE_SNAPSHOT' | 'ARRAY_BOUNDS' | 'TEXT_BY_VALUES';
  readonly text: string;
}

/** Further tables are counted, not named. */
const MAX_NAMED = 5;

/** Notes on the tables of one export. */
export class TableNotes {
  readonly #tables: readonly SourceTable[];
  readonly #byTable = new Map<string, TableNote[]>();

  /**
   * @param boundless columns of a table whose arrays lose their bounds
   * @param texts columns that are text because of their values
   */
  constructor(
    tables: readonly SourceTable[],
    boundless: (table: SourceTable) => readonly string[] = () => [],
    texts: (table: SourceTable) => readonly string[] = () => [],
  ) {
    this.#tables = tables;
    const exported = new Set(tables.map(({ id }) => tableKey(id)));
    const parents = new Map<string, SourceTable[]>();
    for (const table of tables) {
      const heirs = table.contains?.filter((id) => exported.has(tableKey(id))) ?? [];
      for (const heir of heirs) parents.set(tableKey(heir), [...(parents.get(tableKey(heir)) ?? []), table]);
      if (heirs.length > 0) {
        const are = heirs.length === 1 ? 'which is' : 'which are';
        this.#add(
          table,
          'ROWS_TWICE',
          `its rows include those of ${listed(heirs.map(tableName))}, ${are} exported too`,
        );
      }
      if (table.isForeign === true) {
        const text = 'its rows come from foreign tables, which are in no snapshot (consistency none)';
        this.#add(table, 'OUTSIDE_SNAPSHOT', text);
      }
    }
    for (const table of tables) {
      const columns = boundless(table);
      const text = `arrays that do not start at 1 lose their bounds in ${listed(columns)} (--arrays text keeps them)`;
      if (columns.length > 0) this.#add(table, 'ARRAY_BOUNDS', text);
    }
    for (const table of tables) {
      const columns = texts(table);
      const text = `written as text, because of values that fit no other type: ${listed(columns)} (--on-unrepresentable text)`;
      if (columns.length > 0) this.#add(table, 'TEXT_BY_VALUES', text);
    }
    for (const table of tables) {
      const names = parents.get(tableKey(table.id))?.map(({ id }) => tableName(id)) ?? [];
      if (names.length > 0) this.#add(table, 'ROWS_TWICE', `its rows are also among those of ${listed(names)}`);
    }
  }

  of({ id }: Pick<SourceTable, 'id'>): readonly TableNote[] {
    return this.#byTable.get(tableKey(id)) ?? [];
  }

  /** One sentence per kind of note, for the run as a whole. */
  get summaries(): readonly string[] {
    const noted = (code: TableNote['code']) =>
      this.#tables.filter((table) => this.of(table).some((note) => note.code === code)).map(({ id }) => tableName(id));
    const twice = noted('ROWS_TWICE');
    const outside = noted('OUTSIDE_SNAPSHOT');
    return [
      ...(twice.length === 0
        ? []
        : [`Rows of inheriting tables are also exported with their parents: ${listed(twice)}`]),
      ...(outside.length === 0
        ? []
        : [`In no snapshot, because their rows come from foreign tables: ${listed(outside)}`]),
    ];
  }

  #add({ id }: SourceTable, code: TableNote['code'], text: string): void {
    this.#byTable.set(tableKey(id), [...this.of({ id }), { code, text }]);
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED);
  const rest = names.length - shown.length;
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} more`;
}
