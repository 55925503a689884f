import type { Dataset } from '../../model/dataset.js';
import type { RequestedDocument } from './requested-schema.js';

/** What was asked for of a dataset; empty for all rows of a table. */
export function requestedDocument(dataset: Dataset): RequestedDocument {
  const { predicates = [], sample } = dataset;
  return {
    ...(dataset.kind === 'query' && { query: dataset.sql }),
    ...(predicates.length > 0 && { where: predicates }),
    ...(sample !== undefined && { sample }),
  };
}
