import { LOG_LEVELS } from '../logging/event-log.js';
import { defineFlag } from './flag.js';
import { LOCAL_PATH } from './path-flags.js';
import { oneOf, wholeNumber } from './value-types.js';

const MOST_RUNS = 100_000;
const MOST_SHOWN_ROWS = 10_000;

/** What is printed, and how. */
export const OUTPUT_FLAGS = {
  dryRun: defineFlag({
    name: 'dry_run',
    group: 'Output',
    help: 'same as lakeport plan: shows what would be done',
    onResume: 'refused',
  }),
  allTables: defineFlag({
    name: 'tables',
    group: 'Output',
    help: 'lists every table of the plan, where otherwise the largest of many are listed',
    onResume: 'refused',
  }),
  save: defineFlag({
    name: 'save',
    value: 'PATH',
    type: LOCAL_PATH,
    group: 'Output',
    help: 'writes the flags of this command line to a new job file, for --config',
    onResume: 'refused',
    see: '[job file](job-file.md)',
  }),
  limit: defineFlag({
    name: 'limit',
    value: 'N',
    type: wholeNumber({ least: 1, most: MOST_RUNS }),
    default: 20,
    group: 'Output',
    help: 'most runs to list (default: 20)',
    onResume: 'refused',
  }),
  shownRows: defineFlag({
    name: 'rows',
    value: 'N',
    type: wholeNumber({ least: 1, most: MOST_SHOWN_ROWS }),
    group: 'Output',
    help: 'also shows the first N rows',
    onResume: 'refused',
  }),
  deep: defineFlag({
    name: 'deep',
    group: 'Output',
    help: 'also decodes every page, and compares counts, NULLs, min and max with the statistics in the file',
    onResume: 'refused',
  }),
  againstSource: defineFlag({
    name: 'against_source',
    group: 'Output',
    help: 'also compares every value with the database, which computes counts, bounds, sums and hashes in one snapshot',
    onResume: 'refused',
    see: '[verification](../operations/verification.md#the-source)',
  }),
  json: defineFlag({
    name: 'json',
    group: 'Output',
    help: 'one JSON document on stdout at the end, nothing else there',
    onResume: 'changeable',
  }),
  logLevel: defineFlag({
    name: 'log_level',
    value: 'LEVEL',
    type: oneOf(LOG_LEVELS),
    group: 'Output',
    help: 'DEBUG, INFO (default), WARNING, ERROR or CRITICAL',
    onResume: 'changeable',
  }),
  logDirectory: defineFlag({
    name: 'log_dir',
    value: 'PATH',
    type: LOCAL_PATH,
    group: 'Output',
    help: 'also writes lakeport_<run_id>.log there',
    onResume: 'changeable',
  }),
  logFormat: defineFlag({
    name: 'log_format',
    value: 'text|json',
    type: oneOf(['text', 'json']),
    default: 'text',
    group: 'Output',
    help: 'one event a line, on stderr and in the log file',
    onResume: 'changeable',
  }),
  noProgress: defineFlag({
    name: 'no_progress',
    group: 'Output',
    help: 'no progress display; there is none without a terminal anyway',
    onResume: 'changeable',
  }),
  noBanner: defineFlag({
    name: 'no_banner',
    group: 'Output',
    help: 'no line with name and version at the start',
    onResume: 'changeable',
  }),
  quiet: defineFlag({
    name: 'quiet',
    group: 'Output',
    help: 'only errors, and the document of --json',
    onResume: 'changeable',
  }),
  version: defineFlag({
    name: 'version',
    short: 'v',
    group: 'Help',
    help: 'shows the version',
    onResume: 'changeable',
  }),
  help: defineFlag({ name: 'help', short: 'h', group: 'Help', help: 'shows this help', onResume: 'changeable' }),
} as const;
