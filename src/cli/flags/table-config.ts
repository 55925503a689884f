import type { TableConfig } from '../../export/model/options.js';
import { METHOD_NAMES, methodNamed } from '../../export/model/method-names.js';
import { listOnRecord } from '../../export/model/plain-value.js';
import { validTableConfig } from '../../export/model/valid-data.js';
import type { PartitionMethod } from '../../sources/source.js';
import type { ValueType } from './flag.js';
import { unquoted } from './table-setting.js';
import { usageError } from './usage-error.js';

const FLAG = '--table-config';

export const TABLE_CONFIGS: ValueType<readonly TableConfig[]> = {
  parse: ({ value }) => tableConfigs(value),
  restore: (recorded) => listOnRecord(recorded, validTableConfig),
};

/**
 * `[schema.]table:method:key:degree[;...]`: settings of each table. Names and keys may be in double quotes or brackets.
 * There, and in a key's parentheses and string literals, `;`, `:` and `.` are ordinary characters.
 * @throws LakeportError of class `usage`
 */
export function tableConfigs(value: string): TableConfig[] {
  return split(value, ';')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => tableConfig(entry.trim()));
}

function tableConfig(entry: string): TableConfig {
  const [name = '', method = '', key = '', degree = '', ...more] = split(entry, ':').map((field) => field.trim());
  if (more.length > 0) throw bad(entry, 'it has more than four fields', 'A key with a colon stands in parentheses.');
  if (method === '' && key === '' && degree === '') throw bad(entry, 'it asks for nothing');
  return {
    ...tableNames(name, entry),
    method: method === '' ? undefined : partitionMethod(method, entry),
    key: key === '' ? undefined : key,
    degree: degree === '' ? undefined : degreeOf(degree, entry),
  };
}

function tableNames(name: string, entry: string): Pick<TableConfig, 'schema' | 'table'> {
  const names = split(name, '.').map((one) => unquoted(one.trim()));
  const [first, second] = names;
  if (names.includes('') || first === undefined) throw bad(entry, 'its table has no name');
  if (names.length > 2) throw bad(entry, 'its table has more than one dot', 'A name with a dot in it needs quotes.');
  return second === undefined ? { schema: undefined, table: first } : { schema: first, table: second };
}

function partitionMethod(name: string, entry: string): PartitionMethod {
  const method = methodNamed(name);
  if (method !== undefined) return method;
  throw bad(entry, `there is no method ${name}`, `Methods are ${METHOD_NAMES.join(', ')}; Modulo is Random.`);
}

/** As in `--parallel`: 0 for all cores, -N for a share of them. */
function degreeOf(value: string, entry: string): number | undefined {
  if (value.toLowerCase() === 'auto') return undefined;
  if (/^[+-]?\d{1,4}$/.test(value)) return Number(value);
  throw bad(entry, `its degree must be auto or a whole number, not ${value}`);
}

/** A text in quotes or brackets, where a doubled closing one is escaped; or any other character. */
const TOKEN = /"(?:[^"]|"")*"|'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]|./gsu;

/** Splits at separators outside of quotes and parentheses. */
function split(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '"' || token === "'" || token === '[') throw bad(text, `what ${token} opens is not closed`);
    if (token === '(') depth++;
    else if (token === ')') depth--;
    if (depth < 0) break;
    if (token === separator && depth === 0) parts.push('');
    else parts.push((parts.pop() ?? '') + token);
  }
  if (depth !== 0) throw bad(text, 'its parentheses do not match');
  return parts;
}

/** The name in `"…"` or `[…]`, with doubled closing quotes unescaped. */
function bad(entry: string, problem: string, hint?: string): Error {
  return usageError({
    code: 'BAD_TABLE_CONFIG',
    message: `${FLAG} does not understand ${JSON.stringify(entry)}: ${problem}`,
    hint: hint ?? `It takes [schema.]table:method:key:degree, with ; between tables, such as orders:RangeId:id:8.`,
    flag: FLAG,
  });
}
