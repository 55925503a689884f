import type { Slice, SourceTable } from '../../sources/source.js';
import type { Sample } from '../../model/dataset.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import { someOf } from '../../text/quantities.js';

/** What users should know about a table that is exported nevertheless. */
export interface TableNote {
  /** Stable, for scripts. */
  readonly code:
    | 'ROWS_TWICE'
    | 'OWN_ROWS_ONLY'
    | 'OUTSIDE_SNAPSHOT'
    | 'ARRAY_BOUNDS'
    | 'TEXT_BY_VALUES'
    | 'PARTITION_COLUMN_IN_FILES'
    | 'CONDITION'
    | 'ESTIMATE_BEFORE_CONDITION'
    | 'ENCODING_NOT_DECODED'
    | 'ONE_READER'
    | 'SAMPLE'
    | 'SYNC'
    | 'SYNC_REPLACES'
    | 'SYNC_COMPACTS'
    | 'SYNC_WITHOUT_INDEX'
    | 'SYNC_WARNING'
    | 'SYNC_COLUMNS'
    | 'UNREADABLE_COLUMNS';
  readonly text: string;
}

/** A table, and what the notes say about it. */
export interface NotedTable {
  readonly table: SourceTable;
  /** Columns whose arrays lose their bounds. */
  readonly boundless?: readonly string[];
  /** Columns that are text because of their values. */
  readonly texts?: readonly string[];
  /** Columns that are left out because the user may not read them. */
  readonly unreadable?: readonly string[];
  /** The source estimates all its rows, although a condition leaves some of them. */
  readonly isEstimateBeforeCondition?: boolean;
}

/** Further tables are counted, not named. */
const MAX_NAMED = 5;

/** Notes on the tables of one export. */
export class TableNotes {
  readonly #tables: readonly NotedTable[];
  readonly #byTable = new Map<string, TableNote[]>();
  /** Tables whose rows are not exported, although they inherit from one whose own rows are. */
  readonly #orphans: string[] = [];

  constructor(tables: readonly NotedTable[]) {
    this.#tables = tables;
    const exported = new Set(tables.map(({ table }) => tableKey(table.id)));
    const parents = new Map<string, SourceTable[]>();
    for (const { table } of tables) {
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
      if (table.heirs !== undefined) this.#addHeirs(table, table.heirs, exported);
      if (table.isForeign === true) {
        const text = 'its rows come from foreign tables, which are in no snapshot (consistency none)';
        this.#add(table, 'OUTSIDE_SNAPSHOT', text);
      }
    }
    for (const { table, boundless = [], unreadable = [], isEstimateBeforeCondition } of tables) {
      const { predicates = [], sample } = table.dataset;
      const text = `arrays that do not start at 1 lose their bounds in ${listed(boundless)} (--arrays text keeps them)`;
      if (boundless.length > 0) this.#add(table, 'ARRAY_BOUNDS', text);
      if (predicates.length > 0) this.#add(table, 'CONDITION', `only rows where ${predicates.join(' and ')}`);
      if (isEstimateBeforeCondition === true) {
        const estimates = 'rows and size are estimates of the whole table, before the condition';
        this.#add(table, 'ESTIMATE_BEFORE_CONDITION', estimates);
      }
      if (sample !== undefined) this.#add(table, 'SAMPLE', `only a sample of ${sampleText(sample)}`);
      if (unreadable.length > 0) {
        this.#add(table, 'UNREADABLE_COLUMNS', `without columns that this user may not read: ${unreadable.join(', ')}`);
      }
    }
    for (const { table, texts = [] } of tables) {
      const text = `written as text, because of values that fit no other type: ${listed(texts)} (--on-unrepresentable text)`;
      if (texts.length > 0) this.#add(table, 'TEXT_BY_VALUES', text);
    }
    for (const { table } of tables) {
      const names = parents.get(tableKey(table.id))?.map(({ id }) => tableName(id)) ?? [];
      if (names.length > 0) this.#add(table, 'ROWS_TWICE', `its rows are also among those of ${listed(names)}`);
    }
  }

  of({ id }: Pick<SourceTable, 'id'>): readonly TableNote[] {
    if (this.#byTable.size === 0) return [];
    return this.#byTable.get(tableKey(id)) ?? [];
  }

  /** One sentence per kind of note, for the run as a whole. */
  get summaries(): readonly string[] {
    const noted = (code: TableNote['code']) =>
      this.#tables
        .filter(({ table }) => this.of(table).some((note) => note.code === code))
        .map(({ table }) => tableName(table.id));
    const twice = noted('ROWS_TWICE');
    const outside = noted('OUTSIDE_SNAPSHOT');
    const texts = noted('TEXT_BY_VALUES');
    const unreadable = this.#tables.flatMap(({ table, unreadable: columns = [] }) =>
      columns.map((column) => `${tableName(table.id)}.${column}`),
    );
    return [
      ...(unreadable.length === 0 ? [] : [`Left out because this user may not read them: ${listed(unreadable)}`]),
      ...(twice.length === 0
        ? []
        : [`Rows of inheriting tables are also exported with their parents: ${listed(twice)}`]),
      ...(this.#orphans.length === 0
        ? []
        : [
            `Rows of tables that inherit from exported ones are not exported: ${listed([...new Set(this.#orphans)])} (--inherited include)`,
          ]),
      ...(outside.length === 0
        ? []
        : [`In no snapshot, because their rows come from foreign tables: ${listed(outside)}`]),
      ...(texts.length === 0
        ? []
        : [`Read once before, and columns with values that fit no other type are written as text: ${listed(texts)}`]),
    ];
  }

  #addHeirs(table: SourceTable, heirs: readonly TableId[], exported: ReadonlySet<string>): void {
    const others = heirs.filter((id) => !exported.has(tableKey(id)));
    const inherit = heirs.length === 1 ? 'inherits' : 'inherit';
    const where = others.length === 0 ? 'exported there' : `not all exported`;
    const text = `its own rows only: those of ${listed(heirs.map(tableName))}, which ${inherit} from it, are ${where} (--inherited include adds them)`;
    this.#add(table, 'OWN_ROWS_ONLY', text);
    if (others.length > 0) this.#orphans.push(...others.map(tableName));
  }

  #add({ id }: SourceTable, code: TableNote['code'], text: string): void {
    this.#byTable.set(tableKey(id), [...this.of({ id }), { code, text }]);
  }
}

/** What users should know about a table's directories. */
export function directoryNotes({ slices }: { readonly slices: readonly Pick<Slice, 'keeps'>[] }): TableNote[] {
  return (slices[0]?.keeps ?? []).map((name) => ({
    code: 'PARTITION_COLUMN_IN_FILES',
    text: `${name} stays in the files, and its directories have another name: some of its values are empty, or too long for the name of a directory`,
  }));
}

/** As the flag takes it. */
function sampleText(sample: Sample): string {
  return 'percent' in sample ? `${sample.percent}%` : `${sample.rows} rows`;
}

function listed(names: readonly string[]): string {
  return someOf(names, MAX_NAMED);
}
