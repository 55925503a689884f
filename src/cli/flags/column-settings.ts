import type { ColumnMask, ColumnType } from '../../export/model/column-settings.js';
import { validColumnMask, validColumnType, validDecimal } from '../../export/model/valid-columns.js';
import { validSettings } from '../../export/model/valid-data.js';
import type { TableSetting } from '../../export/model/table-setting.js';
import type { WantedType } from '../../model/wanted-type.js';
import type { FlagValue, ValueType } from './flag.js';
import { MASK_METHODS, maskNamed } from './mask-method.js';
import { tableSettings, takePattern } from './table-setting.js';
import { usageError } from './usage-error.js';

/** `PATTERN:column:METHOD` */
export const MASKS: ValueType<readonly TableSetting<ColumnMask>[]> = tableSettings(
  {
    parse: (given) => {
      const { pattern: column, rest } = takePattern(given, ':');
      const mask = rest === undefined ? undefined : maskNamed(rest);
      if (mask !== undefined) return { column, mask };
      throw usageError({
        code: 'BAD_VALUE',
        message: `${given.flag} does not understand ${JSON.stringify(given.value)}: it must be column:METHOD, where METHOD is ${MASK_METHODS}`,
        hint: `For example ${given.flag} 'sales.customers:email:hash'.`,
        flag: given.flag,
      });
    },
    restore: validColumnMask,
  },
  { form: 'PATTERN:column:METHOD', example: 'sales.customers:email:hash' },
);

const COLUMN_TYPE_FORM = { form: 'PATTERN.column:TYPE', example: 'sales.orders.amount:double' };

/** `PATTERN.column:TYPE`; a colon before the column is taken too, as in `--mask`. */
export const COLUMN_TYPES: ValueType<readonly TableSetting<ColumnType>[]> = {
  parse: (given) => [columnType(given)],
  restore: (recorded) => validSettings(recorded, validColumnType),
};

function columnType(given: FlagValue): TableSetting<ColumnType> {
  const { flag } = given;
  const names = takePattern(given, ':');
  const rest = names.rest ?? '';
  const isColonForm = rest.includes(':');
  const { pattern, column, typed } = isColonForm
    ? afterColon(names.pattern, { flag, value: rest })
    : afterDot(names.pattern, rest);
  const type = typeNamed(typed);
  if (column === undefined || type === undefined) {
    const { form, example } = COLUMN_TYPE_FORM;
    throw usageError({
      code: 'BAD_VALUE',
      message: `${flag} must be ${form}, where TYPE is ${WANTED_TYPES}, not ${JSON.stringify(given.value)}`,
      hint: `For example ${flag} '${example}'.`,
      flag,
    });
  }
  return { pattern, value: { column, type } };
}

interface Parts {
  readonly pattern: string;
  readonly column: string | undefined;
  readonly typed: string;
}

function afterColon(pattern: string, given: FlagValue): Parts {
  const { pattern: column, rest = '' } = takePattern(given, ':');
  return { pattern, column, typed: rest };
}

/** The column is behind the last dot that no backslash escapes. */
function afterDot(names: string, typed: string): Parts {
  const [, pattern = '', column] = /^((?:\\[\s\S]|[^\\])*)\.((?:\\[\s\S]|[^\\.])+)$/u.exec(names) ?? [];
  return { pattern, column, typed };
}

const WANTED_TYPES = 'text, double, decimal(p,s), timestamp(us), timestamp(ns) or json';

function typeNamed(typed: string): WantedType | undefined {
  const word = typed.toLowerCase().replaceAll(/\s/g, '');
  if (word === 'text' || word === 'double' || word === 'json') return { as: word };
  if (word === 'timestamp(us)' || word === 'timestamp(ns)')
    return { as: 'timestamp', unit: word === 'timestamp(ns)' ? 'ns' : 'us' };
  const [, digits, fraction = '0'] = /^decimal\((\d{1,3})(?:,(\d{1,3}))?\)$/.exec(word) ?? [];
  return digits === undefined ? undefined : validDecimal({ as: 'decimal', precision: digits, scale: fraction });
}
