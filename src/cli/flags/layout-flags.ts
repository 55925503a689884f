import { parseDirectoryKeys } from '../../sources/partitioning/directory-keys.js';
import { defineFlag } from './flag.js';
import { tableSettings } from './table-setting.js';
import { notEmpty, textOnRecord } from './value-types.js';

const PARTITIONS = tableSettings<string>(
  {
    parse: (given) => {
      const list = notEmpty(given);
      parseDirectoryKeys(list);
      return list;
    },
    restore: textOnRecord,
  },
  { form: 'PATTERN:EXPRESSION[,...]', example: 'sales.orders:year(order_date), region' },
);

/** In which directories and in what order the rows of a table are written. */
export const LAYOUT_FLAGS = {
  partitionBy: defineFlag({
    name: 'partition_by',
    value: 'PATTERN:LIST',
    type: PARTITIONS,
    repeatable: true,
    group: 'Files',
    help: 'Hive-style directories for tables that match: columns, expressions, and year(c), month(c), day(c) or week(c) of a date, with commas; the last match applies; repeatable',
    onResume: 'kept',
    see: '[directories](tables.md#directories)',
  }),
} as const;
