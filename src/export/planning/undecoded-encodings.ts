import { avoidedEncodings, type Compat, COMPATS, readerOf } from '../../columns/compat.js';
import { encodingsFor } from '../../parquet/value-encoding.js';
import type { ExportOptions } from '../model/options.js';
import { columnSpecs, type TablePlan } from '../model/plan.js';
import type { TableNote } from '../model/table-notes.js';

type Encoding = Pick<ExportOptions, 'encoding' | 'compat'>;

/** Profiles of common readers that may not decode the table, because of encodings that it may be written in. */
export function undecodedBy(
  table: Pick<TablePlan, 'columns' | 'added'>,
  { encoding, compat }: Encoding,
): readonly Compat[] {
  if (encoding !== 'compact') return [];
  return COMPATS.filter((one) => {
    const avoided = avoidedEncodings(one);
    const isAvoided = (name: string) => avoided.includes(name);
    return one !== compat && columnSpecs(table).some(({ type }) => encodingsFor(type).some(isAvoided));
  });
}

/** Says which common readers may not decode the table. */
export function encodingNotes(table: Pick<TablePlan, 'columns' | 'added'>, options: Encoding): TableNote[] {
  return undecodedBy(table, options).map((compat) => ({
    code: 'ENCODING_NOT_DECODED',
    text: `${readerOf(compat)} may not decode its floats: --encoding compact may write them in ${avoidedEncodings(compat).join(', ')}; --compat ${compat} leaves that encoding out`,
  }));
}
