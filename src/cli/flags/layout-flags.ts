import type { SortColumn } from '../../model/sort-column.js';
import { splitExpressions } from '../../sources/partitioning/expression.js';
import { textOnRecord } from '../../export/model/plain-value.js';
import { checkDirectoryKeys, validSort } from '../../export/model/valid-data.js';
import { defineFlag } from './flag.js';
import { tableSettings, unquoted } from './table-setting.js';
import { notEmpty } from './value-types.js';

const PARTITIONS = tableSettings<string>(
  {
    parse: (given) => checkDirectoryKeys(notEmpty(given)),
    restore: textOnRecord,
  },
  { form: 'PATTERN:EXPRESSION[,...]', example: 'sales.orders:year(order_date), region' },
);

const SORT_COLUMN = /^(.*?)(?:\s+(asc|desc))?$/is;

const SORTS = tableSettings<readonly SortColumn[]>(
  {
    parse: (given) =>
      splitExpressions(notEmpty(given)).map((item) => {
        const [, name = '', direction = 'asc'] = SORT_COLUMN.exec(item) ?? [];
        return { column: unquoted(name.trim()), descending: direction.toLowerCase() === 'desc' };
      }),
    restore: validSort,
  },
  { form: 'PATTERN:COLUMN[ DESC][,...]', example: 'sales.orders:customer_id, order_date DESC' },
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
  sortBy: defineFlag({
    name: 'sort_by',
    value: 'PATTERN:COLUMNS',
    type: SORTS,
    repeatable: true,
    group: 'Files',
    help: 'sorts the rows of each slice of tables that match, by columns with commas, each with DESC or not; done by the server; the last match applies; repeatable',
    onResume: 'kept',
    see: '[sorted files](tables.md#sorted-files)',
  }),
} as const;
