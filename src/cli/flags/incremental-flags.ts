import { CURSOR_TYPES } from '../../model/cursor.js';
import { DEFAULT_OPTIONS } from '../../export/model/complete-options.js';
import {
  type IncrementalTable,
  NULL_CURSORS,
  SCHEMA_CHANGES,
  SYNC_STRATEGIES,
} from '../../export/model/incremental.js';
import { validIncremental } from '../../export/model/valid-data.js';
import { didYouMean } from '../../text/did-you-mean.js';
import { defineFlag, type FlagValue } from './flag.js';
import { tableSettings, unquoted } from './table-setting.js';
import { usageError } from './usage-error.js';
import { DURATION, oneOf, wholeNumber } from './value-types.js';

const FORM = 'TABLE:COLUMN:TYPE[:i|:e][@START][!STRATEGY]';
const EXAMPLE = 'sales.orders:updated_at:timestamp';
const SEE = '[incremental syncs](../operations/incremental.md)';

const TYPES = CURSOR_TYPES.join('|');
const WHOLE = new RegExp(
  `^(?:(?<column>.+?):)?(?<type>${TYPES})(?::(?<edge>[ie]))?(?:@(?<start>.+?))?(?:!(?<strategy>\\w+))?$`,
  'is',
);

const INCREMENTAL_TABLES = tableSettings<IncrementalTable>(
  { parse: parseIncremental, restore: validIncremental },
  { form: FORM, example: EXAMPLE },
);

function parseIncremental({ flag, value }: FlagValue): IncrementalTable {
  const { column, type: word, edge = 'e', start, strategy: given } = WHOLE.exec(value)?.groups ?? {};
  const type = CURSOR_TYPES.find((one) => one === word?.toLowerCase());
  if (type === undefined) throw badIncremental(flag, value, 'has no type of column that is known');
  if (type === 'xmin' && column !== undefined) throw badIncremental(flag, value, 'names a column: xmin takes none');
  if (type === 'xmin' && start !== undefined) throw badIncremental(flag, value, 'has a start, which xmin cannot have');
  if (type !== 'xmin' && column === undefined) throw badIncremental(flag, value, `names no column for ${type}`);
  const strategy = SYNC_STRATEGIES.find((one) => one === given?.toLowerCase());
  if (given !== undefined && strategy === undefined) {
    const near = didYouMean(given, SYNC_STRATEGIES);
    throw badIncremental(
      flag,
      value,
      `has the strategy ${given}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  return {
    cursor: column === undefined ? { type } : { type, column: unquoted(column.trim()) },
    isInclusive: edge.toLowerCase() === 'i',
    ...(start !== undefined && { start: start.trim() }),
    ...(strategy !== undefined && { strategy }),
  };
}

function badIncremental(flag: string, value: string, problem: string): Error {
  return usageError({
    code: 'BAD_VALUE',
    message: `${flag}: ${JSON.stringify(value)} ${problem}`,
    hint: `It takes ${FORM}, such as '${EXAMPLE}', or TABLE:xmin; types are ${CURSOR_TYPES.join(', ')}.`,
    flag,
  });
}

/** Which tables are synced, and how. */
export const INCREMENTAL_FLAGS = {
  incremental: defineFlag({
    name: 'incremental_table',
    value: 'TABLE:COLUMN:TYPE',
    type: INCREMENTAL_TABLES,
    repeatable: true,
    group: 'Incremental syncs',
    help: `of tables that match, only rows since the last sync: ${FORM}; types ${CURSOR_TYPES.join(', ')} (TABLE:xmin takes no column); :i reads rows at the watermark again; strategies append and upsert; the last match applies; repeatable`,
    onResume: 'kept',
    see: SEE,
  }),
  safetyLag: defineFlag({
    name: 'incremental_safety_lag',
    value: 'TIME',
    type: DURATION,
    group: 'Incremental syncs',
    help: 'for columns that are times: reads again from so far before the watermark, e.g. 10m or seconds',
    onResume: 'kept',
    see: SEE,
  }),
  nullCursors: defineFlag({
    name: 'incremental_nulls',
    value: 'ACTION',
    type: oneOf(NULL_CURSORS),
    default: DEFAULT_OPTIONS.nullCursors,
    group: 'Incremental syncs',
    help: 'rows whose column is NULL: fail, or include them in the first sync (default: fail)',
    onResume: 'kept',
    see: SEE,
  }),
  resetWatermarks: defineFlag({
    name: 'reset_watermarks',
    group: 'Incremental syncs',
    help: 'reads all rows of incremental tables again, in place of what is there',
    onResume: 'kept',
    see: SEE,
  }),
  strategy: defineFlag({
    name: 'strategy',
    value: 'STRATEGY',
    type: oneOf(SYNC_STRATEGIES),
    default: DEFAULT_OPTIONS.strategy,
    group: 'Incremental syncs',
    help: 'append adds files; upsert keeps the last row of each primary key (default: append)',
    onResume: 'kept',
    see: SEE,
  }),
  compactEvery: defineFlag({
    name: 'compact_every',
    value: 'N',
    type: wholeNumber({ least: 1 }),
    group: 'Incremental syncs',
    help: 'merges the files of a table at every Nth sync, keeping the last row of each key (default: never; with upsert: 1)',
    onResume: 'kept',
    see: SEE,
  }),
  detectDeletes: defineFlag({
    name: 'detect_deletes',
    group: 'Incremental syncs',
    help: 'finds rows that the source has no more, by primary key: upsert removes them, append lists them in _deleted',
    onResume: 'kept',
    see: SEE,
  }),
  onSchemaChange: defineFlag({
    name: 'on_schema_change',
    value: 'ACTION',
    type: oneOf(SCHEMA_CHANGES),
    default: DEFAULT_OPTIONS.onSchemaChange,
    group: 'Incremental syncs',
    help: 'columns that have changed since the last sync: fail, evolve where readers agree, or export the table in full (default: fail)',
    onResume: 'kept',
    see: SEE,
  }),
} as const;
