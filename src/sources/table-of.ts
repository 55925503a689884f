import { LakeportError } from '../errors.js';
import type { Dataset } from '../model/dataset.js';
import { datasetId } from '../model/dataset.js';
import { type TableId, tableName } from '../model/table.js';

/**
 * The table of a dataset, for an engine that only reads whole tables.
 * @throws LakeportError for a query, or for a subset of a table's rows
 */
export function tableOf(dataset: Dataset): TableId {
  if (dataset.kind === 'table' && dataset.predicate === undefined) return dataset.id;
  const name = tableName(datasetId(dataset));
  throw new LakeportError({
    code: 'DATASET_NOT_SUPPORTED',
    message: `${name} is ${dataset.kind === 'query' ? 'a query' : 'only some rows of a table'}, which cannot be exported from this database yet`,
    context: { table: name },
  });
}
