import { BLOOM_FILTERS } from './bloom-filters.js';
import { COLUMN_TYPES, MASKS } from './column-settings.js';
import { defineFlag, type ValueType } from './flag.js';
import { MASK_FILE } from './mask-file.js';
import { usageError } from './usage-error.js';
import { textOnRecord } from '../../export/model/plain-value.js';

/** Only a reference: a salt on the command line would be seen by others, and would end up in the run's record. */
const SECRET_REFERENCE: ValueType<string> = {
  parse: ({ flag, value }) => {
    if (isReference(value)) return value;
    throw usageError({
      code: 'BAD_VALUE',
      message: `${flag} must refer to a secret, such as $env{NAME} or $file{PATH}, and not be one`,
      hint: `In single quotes, so that the shell leaves it alone: ${flag} '$env{MASK_SALT}'.`,
      flag,
    });
  },
  restore: (recorded) => {
    const text = textOnRecord(recorded);
    return text !== undefined && isReference(text) ? text : undefined;
  },
};

function isReference(text: string): boolean {
  return /^\$(?:env|file)?\{[^{}]+\}$/.test(text);
}

/** How single columns are written. */
export const COLUMN_FLAGS = {
  masks: defineFlag({
    name: 'mask',
    value: 'PATTERN:COLUMN:METHOD',
    type: MASKS,
    repeatable: true,
    group: 'Files',
    help: "hides a column's values: null, hash (SHA-256, with --mask-salt), redact[(TEXT)] or partial(FIRST,LAST); LIKE patterns of tables and columns, repeatable",
    onResume: 'kept',
    see: '[columns](columns.md#masks)',
  }),
  maskPolicy: defineFlag({
    name: 'mask_file',
    value: 'PATH',
    type: MASK_FILE,
    group: 'Files',
    help: 'policy of masks in YAML or JSON; may let a column that it does not name fail the run',
    onResume: 'kept',
    see: '[columns](columns.md#a-policy)',
  }),
  maskSalt: defineFlag({
    name: 'mask_salt',
    keepsReferences: true,
    value: '$env{NAME}',
    type: SECRET_REFERENCE,
    group: 'Files',
    help: 'the secret that hash puts before each text: a reference to a variable, or $file{PATH}; in no record, so a resume needs it again',
    onResume: 'kept',
    see: '[columns](columns.md#masks)',
  }),
  bloomFilters: defineFlag({
    name: 'bloom_filter',
    value: 'PATTERN:COLUMN[,…][:RATE]',
    type: BLOOM_FILTERS,
    repeatable: true,
    group: 'Files',
    help: 'writes Bloom filters for columns, by which readers skip row groups without a value; RATE of false positives (default: 0.01); LIKE patterns of tables and columns, repeatable',
    onResume: 'kept',
    see: '[columns](columns.md#bloom-filters)',
  }),
  columnTypes: defineFlag({
    name: 'column_type',
    value: 'PATTERN.COLUMN:TYPE',
    type: COLUMN_TYPES,
    repeatable: true,
    group: 'Files',
    help: 'writes a column as text, double, decimal(p,s), timestamp(us), timestamp(ns) or json; repeatable',
    onResume: 'kept',
    see: '[columns](columns.md#types)',
  }),
} as const;
