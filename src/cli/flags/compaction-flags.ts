import { defineFlag } from './flag.js';
import { listOnRecord, textOnRecord } from '../../export/model/plain-value.js';
import { notEmpty } from './value-types.js';

/** Of `lakeport compact`. */
export const COMPACTION_FLAGS = {
  keyColumns: defineFlag({
    name: 'key',
    value: 'COLUMN',
    type: { parse: (given) => [notEmpty(given)], restore: (recorded) => listOnRecord(recorded, textOnRecord) },
    repeatable: true,
    group: 'Incremental syncs',
    help: 'a column that identifies a row, for tables without a primary key; repeatable',
    onResume: 'refused',
    see: '[compaction](../operations/incremental.md#compaction)',
  }),
} as const;
