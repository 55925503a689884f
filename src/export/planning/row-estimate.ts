import { conditionsOf, type Sample } from '../../model/dataset.js';
import type { DescribedDataset, SourceDataset } from '../../sources/source.js';

export interface RowEstimate extends Pick<SourceDataset, 'estimatedRows' | 'estimatedBytes'> {
  /** Of all rows of the table, although a condition leaves some of them. */
  readonly isBeforeCondition: boolean;
}

/**
 * How many rows are to be exported, as far as it is known: the source's own estimate of them, or else of all rows of the
 * table, of which a sample takes its share.
 */
export function rowEstimate(
  { dataset, estimatedRows, estimatedBytes }: SourceDataset,
  better: DescribedDataset['estimate'],
): RowEstimate {
  if (better !== undefined) return { ...better, isBeforeCondition: false };
  const { sample } = dataset;
  const share = sample === undefined ? 1 : shareOf(sample, estimatedRows);
  const isKnown = estimatedRows !== undefined || estimatedBytes !== undefined;
  return {
    estimatedRows: sampled(estimatedRows, share),
    estimatedBytes: sampled(estimatedBytes, share),
    isBeforeCondition: conditionsOf(dataset).length > 0 && isKnown,
  };
}

function shareOf(sample: Sample, rows: number | undefined): number {
  if ('percent' in sample) return sample.percent / 100;
  return rows === undefined || rows <= sample.rows ? 1 : sample.rows / rows;
}

function sampled(amount: number | undefined, share: number): number | undefined {
  return amount === undefined ? undefined : Math.round(amount * share);
}
