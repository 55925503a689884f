import { DEFAULT_OPTIONS, MOST_JOBS } from '../../export/model/complete-options.js';
import { defineFlag } from './flag.js';
import { TABLE_CONFIGS } from './table-config.js';
import { PARALLELISM, wholeNumber } from './value-types.js';

/** How tables are read in parallel. */
export const SPEED_FLAGS = {
  jobs: defineFlag({
    name: 'n_jobs',
    value: 'N',
    type: wholeNumber({ least: 1, most: MOST_JOBS }),
    default: DEFAULT_OPTIONS.jobs,
    group: 'Speed',
    help: 'tables exported at the same time (default: 4)',
    onResume: 'changeable',
  }),
  parallel: defineFlag({
    name: 'parallel',
    short: 'p',
    aliases: ['fastbcp_p'],
    value: 'N',
    type: PARALLELISM,
    default: DEFAULT_OPTIONS.parallel,
    group: 'Speed',
    help: 'readers inside one large table: 0 for all cores, -N for cores/N, N for that many (default: auto, one reader per core in all, shared by the tables in progress)',
    onResume: 'changeable',
  }),
  largeTableThreshold: defineFlag({
    name: 'large_table_threshold',
    value: 'N',
    type: wholeNumber({ least: 0 }),
    default: DEFAULT_OPTIONS.largeTableThreshold,
    group: 'Speed',
    help: 'tables with fewer rows by the estimate are read by one reader (default: 100000)',
    onResume: 'kept',
  }),
  tableConfig: defineFlag({
    name: 'table_config',
    aliases: ['fastbcp_table_config'],
    value: 'CONFIG',
    type: TABLE_CONFIGS,
    repeatable: true,
    group: 'Speed',
    help: 'how single tables are read: [schema.]table:method:key:degree[;...], an empty field means its default; repeatable',
    onResume: 'kept',
    see: '[single tables](tables.md#single-tables)',
  }),
} as const;
