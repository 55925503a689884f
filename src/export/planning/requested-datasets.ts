import { LakeportError } from '../../errors.js';
import type { Dataset, Sample } from '../../model/dataset.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';
import type { SourceTable } from '../../sources/source.js';
import type { NamedQuery, RequestedData } from '../model/requested-data.js';
import { TableSettings } from './table-settings.js';

/** The datasets of a run: its queries, and which rows of each table and query it asks for. */
export class RequestedDatasets {
  /** As sources list tables; nothing is known about them yet. */
  readonly queries: readonly SourceTable[];
  readonly #where: TableSettings<string>;
  readonly #samples: TableSettings<Sample>;

  /** @throws LakeportError of class `usage` if two queries have one name, or a pattern is malformed */
  constructor({ queries = [], queryFiles = [], where, samples }: RequestedData) {
    const all = [...queries, ...queryFiles];
    this.queries = all.map(queryDataset);
    this.#where = new TableSettings('--where', where);
    this.#samples = new TableSettings('--sample', samples);
    const names = new Set<string>();
    for (const { id } of all) {
      if (names.has(tableKey(id))) throw nameTaken(id, 'another query');
      names.add(tableKey(id));
    }
  }

  /** @throws LakeportError of class `usage` if a query has the name of one of the tables */
  refuseTakenNames(tables: readonly { readonly id: TableId }[]): void {
    const taken = new Set(tables.map(({ id }) => tableKey(id)));
    const query = this.queries.find(({ id }) => taken.has(tableKey(id)));
    if (query !== undefined) throw nameTaken(query.id, 'a table that is exported too');
  }

  /** @throws LakeportError of class `usage` if a pattern matches none of the tables */
  requireMatches(tables: readonly { readonly id: TableId }[]): void {
    for (const settings of [this.#where, this.#samples]) settings.requireMatches(tables);
  }

  /** The table or query, with the rows that the run asks for. */
  of<Table extends SourceTable>(table: Table): Table {
    const predicates = this.#where.of(table.id);
    const [sample] = this.#samples.of(table.id);
    if (predicates.length === 0 && sample === undefined) return table;
    const dataset: Dataset = {
      ...table.dataset,
      ...(predicates.length > 0 && { predicates }),
      ...(sample !== undefined && { sample }),
    };
    return { ...table, dataset, ...sampled(table, sample) };
  }
}

function queryDataset({ id, sql }: NamedQuery): SourceTable {
  return {
    dataset: { kind: 'query', id, sql },
    id,
    kind: 'query',
    estimatedRows: undefined,
    estimatedBytes: undefined,
  };
}

/** The estimates of a sample of the table. */
function sampled(
  { estimatedRows: rows, estimatedBytes: bytes }: SourceTable,
  sample: Sample | undefined,
): Pick<SourceTable, 'estimatedRows' | 'estimatedBytes'> {
  if (sample === undefined) return { estimatedRows: rows, estimatedBytes: bytes };
  const most = 'rows' in sample ? sample.rows : undefined;
  const share = 'percent' in sample ? sample.percent / 100 : rows === undefined ? 1 : Math.min(1, (most ?? 0) / rows);
  return {
    estimatedRows: rows === undefined ? most : Math.round(rows * share),
    estimatedBytes: bytes === undefined ? undefined : Math.round(bytes * share),
  };
}

function nameTaken(id: TableId, by: string): LakeportError {
  return new LakeportError({
    code: 'QUERY_NAME_TAKEN',
    message: `The query ${tableName(id)} has the name of ${by}`,
    hint: 'Give the query another name, or leave the table out with --exclude',
    context: { table: tableName(id), detail: '--query' },
  });
}
