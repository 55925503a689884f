import type { ColumnBloomFilter } from '../../export/model/column-settings.js';
import { FALSE_POSITIVES, validBloomFilter } from '../../export/model/valid-columns.js';
import { validSettings } from '../../export/model/valid-data.js';
import type { TableSetting } from '../../export/model/table-setting.js';
import { DEFAULT_FALSE_POSITIVES } from '../../parquet/file-options.js';
import type { FlagValue, ValueType } from './flag.js';
import { NAME_PATTERNS, tableSettings, takePattern } from './table-setting.js';
import { usageError } from './usage-error.js';

const { least: LEAST_RATE, most: MOST_RATE } = FALSE_POSITIVES;

const FORM = { form: 'PATTERN:COLUMN[,…][:RATE]', example: 'sales.orders:customer_id,email:0.01' };

/** `PATTERN:COLUMN[,…][:RATE]`: a setting for each column. */
export const BLOOM_FILTERS: ValueType<readonly TableSetting<ColumnBloomFilter>[]> = {
  parse: (given) => WHOLE.parse(given).flatMap(({ pattern, value }) => value.map((one) => ({ pattern, value: one }))),
  restore: (recorded) => validSettings(recorded, validBloomFilter),
};

const WHOLE = tableSettings<readonly ColumnBloomFilter[]>({ parse: columnsOf, restore: () => undefined }, FORM);

function columnsOf({ flag, value }: FlagValue): ColumnBloomFilter[] {
  const { pattern: columns, rest: rate } = takePattern({ flag, value }, ':');
  const falsePositives = rate === undefined ? DEFAULT_FALSE_POSITIVES : rateOf(rate);
  if (falsePositives === undefined) {
    throw usageError({
      code: 'BAD_VALUE',
      message: `${flag} must end in a rate of false positives from ${LEAST_RATE.toFixed(5)} to ${MOST_RATE}, not ${JSON.stringify(rate)}`,
      hint: `For example ${flag} '${FORM.example}'.`,
      flag,
    });
  }
  return NAME_PATTERNS.parse({ flag, value: columns }).map((column) => ({ column, falsePositives }));
}

function rateOf(text: string): number | undefined {
  const rate = /^\s*\d*\.?\d+\s*$/.test(text) ? Number(text) : NaN;
  return rate >= LEAST_RATE && rate <= MOST_RATE ? rate : undefined;
}
