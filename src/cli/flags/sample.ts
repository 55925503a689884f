import type { Sample } from '../../model/dataset.js';
import { validSample } from '../../export/model/valid-data.js';
import type { ValueType } from './flag.js';
import { usageError } from './usage-error.js';

/** `N%`, of the rows, or `N` rows. */
export const SAMPLE: Pick<ValueType<Sample>, 'parse' | 'restore'> = {
  parse: ({ flag, value }) => {
    const [, digits, percent] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(value) ?? [];
    const number = Number(digits);
    const sample = validSample(percent === '%' ? { percent: number } : { rows: number });
    if (sample !== undefined) return sample;
    throw usageError({
      code: 'BAD_VALUE',
      message: `${flag} must end in a share from above 0% to 100%, or a whole number of rows of at least 1, not ${JSON.stringify(value)}`,
      hint: `For example ${flag} 'events:0.5%' or ${flag} 'events:1000'.`,
      flag,
    });
  },
  restore: validSample,
};
