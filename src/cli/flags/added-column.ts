import { ADDED_CONTENTS } from '../../columns/column-spec.js';
import { listOnRecord } from '../../export/model/plain-value.js';
import { validAddedColumn } from '../../export/model/valid-data.js';
import type { AddedColumn } from '../../export/model/requested-data.js';
import { didYouMean } from '../../text/did-you-mean.js';
import type { FlagValue, ValueType } from './flag.js';
import { readNamedValue } from './named-value.js';
import { usageError } from './usage-error.js';

const CONSTANT = 'constant:';
const WORDS = ADDED_CONTENTS.filter((word) => word !== 'constant');

/** `NAME=run_id|exported_at|source_table|constant:TEXT`. */
export const ADDED_COLUMNS: ValueType<readonly AddedColumn[]> = {
  parse: (given) => [addedColumn(given)],
  restore: (recorded) => listOnRecord(recorded, validAddedColumn),
};

function addedColumn(given: FlagValue): AddedColumn {
  const named = readNamedValue(given);
  if (named === undefined) throw badColumn(given, `must be NAME=CONTENT, not ${JSON.stringify(given.value)}`);
  if (named.schema !== undefined) throw badColumn(given, 'needs quotes around a name with a dot in it');
  const { name, value: content } = named;
  if (content.startsWith(CONSTANT)) return { name, value: { kind: 'constant', text: content.slice(CONSTANT.length) } };
  const kind = WORDS.find((word) => word === content.trim().toLowerCase());
  if (kind !== undefined) return { name, value: { kind } };
  const near = didYouMean(content.trim(), WORDS);
  const meant = near === undefined ? '' : ` (did you mean ${near}?)`;
  throw badColumn(given, `must have one of ${WORDS.join(', ')} and constant:TEXT after its name${meant}`);
}

function badColumn({ flag }: FlagValue, problem: string): Error {
  return usageError({
    code: 'BAD_VALUE',
    message: `${flag} ${problem}`,
    hint: `For example ${flag} exported=exported_at or ${flag} 'tenant=constant:eu-1'.`,
    flag,
  });
}
