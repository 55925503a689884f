import { datasetId } from '../../../model/dataset.js';
import { tableName } from '../../../model/table.js';
import { LakeportError } from '../../../errors.js';
import type { ReadColumn, ReadRequest } from '../../source.js';
import { UndecodableText, type UnrepresentableValue } from '../../wire/wire.js';

/** The error for a table with such a value, with the ways out that apply. */
export function unrepresentableError(
  cause: UnrepresentableValue,
  { spec, decoder }: ReadColumn,
  { dataset, slice }: ReadRequest,
): LakeportError {
  const table = tableName(datasetId(dataset));
  const { name, sourceType, list } = spec;
  const isText = cause instanceof UndecodableText;
  const ways = [
    list
      ? '--on-unrepresentable null writes such elements, and multidimensional arrays, as NULL and counts them'
      : '--on-unrepresentable null writes such values as NULL and counts them',
    ...(isText && cause.encoding === 'UTF-8'
      ? ['"source_encoding" of the entry, such as "LATIN1", decodes the text of a database without an encoding']
      : []),
    ...(list && !isText ? ['--arrays json writes arrays of any kind as JSON'] : []),
    ...(decoder['unbounded'] === true ? ['--unbounded-numeric text writes every number as text'] : []),
    isText
      ? 'or correct the text in the database'
      : `or export a view that selects ${list ? 'the array' : 'the column'} as text (with --include-views)`,
  ];
  return new LakeportError({
    code: isText ? 'TEXT_NOT_DECODABLE' : 'UNREPRESENTABLE_VALUE',
    message: `Column ${name} (${sourceType}) of ${table} holds ${cause.message}`,
    hint: ways.join('; '),
    context: { table, column: name, slice: slice.index },
    cause,
  });
}
