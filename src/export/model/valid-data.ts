import { ADDED_CONTENTS } from '../../columns/column-spec.js';
import { CURSOR_TYPES } from '../../model/cursor.js';
import type { Sample } from '../../model/dataset.js';
import type { SortColumn } from '../../model/sort-column.js';
import { parseDirectoryKeys } from '../../sources/partitioning/directory-keys.js';
import { type IncrementalTable, SYNC_STRATEGIES } from './incremental.js';
import { methodNamed } from './method-names.js';
import type { Route, TableConfig } from './options.js';
import { isRecord, listOnRecord, textOnRecord } from './plain-value.js';
import type { AddedColumn, AddedValue, NamedQuery } from './requested-data.js';
import type { TableSetting } from './table-setting.js';

/**
 * Options for tables and rows, in plain data: valid, or undefined. Flags, records of runs and the API have the same rules
 * from here.
 */

/** @param valid what is right of one value */
export function validSettings<T>(
  value: unknown,
  valid: (value: unknown) => T | undefined,
): readonly TableSetting<T>[] | undefined {
  return listOnRecord(value, (item) => {
    if (!isRecord(item)) return undefined;
    const pattern = textOnRecord(item['pattern']);
    const setting = valid(item['value']);
    return pattern === undefined || setting === undefined ? undefined : { pattern, value: setting };
  });
}

export function validTexts(value: unknown): readonly string[] | undefined {
  return listOnRecord(value, textOnRecord);
}

export function validSample(value: unknown): Sample | undefined {
  if (!isRecord(value)) return undefined;
  const { percent, rows } = value;
  if (typeof percent === 'number') return percent > 0 && percent <= 100 ? { percent } : undefined;
  return typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 1 ? { rows } : undefined;
}

export function validQuery(value: unknown): NamedQuery | undefined {
  if (!isRecord(value) || !isRecord(value['id'])) return undefined;
  const schema = textOnRecord(value['id']['schema']);
  const name = textOnRecord(value['id']['name']);
  const sql = textOnRecord(value['sql']);
  if (schema === undefined || name === undefined || name === '' || sql === undefined) return undefined;
  return sql.trim() === '' || sql.trim().endsWith(';') ? undefined : { id: { schema, name }, sql };
}

const PLAIN_CONTENTS = ADDED_CONTENTS.filter((content) => content !== 'constant');

export function validAddedColumn(value: unknown): AddedColumn | undefined {
  if (!isRecord(value) || !isRecord(value['value'])) return undefined;
  const name = textOnRecord(value['name']);
  const { kind, text } = value['value'];
  const added = validContent(kind, textOnRecord(text));
  return name === undefined || name === '' || added === undefined ? undefined : { name, value: added };
}

function validContent(kind: unknown, text: string | undefined): AddedValue | undefined {
  if (kind === 'constant') return text === undefined ? undefined : { kind, text };
  const word = PLAIN_CONTENTS.find((one) => one === kind);
  return word && { kind: word };
}

export function validIncremental(value: unknown): IncrementalTable | undefined {
  if (!isRecord(value) || !isRecord(value['cursor']) || typeof value['isInclusive'] !== 'boolean') return undefined;
  const { type: word, column: name } = value['cursor'];
  const type = CURSOR_TYPES.find((one) => one === word);
  const column = textOnRecord(name);
  if (type === undefined || (type === 'xmin') !== (column === undefined)) return undefined;
  const start = textOnRecord(value['start']);
  const strategy = SYNC_STRATEGIES.find((one) => one === value['strategy']);
  if (strategy === undefined && value['strategy'] !== undefined) return undefined;
  return {
    cursor: column === undefined ? { type } : { type, column },
    isInclusive: value['isInclusive'],
    ...(start !== undefined && { start }),
    ...(strategy !== undefined && { strategy }),
  };
}

export function validTableConfig(value: unknown): TableConfig | undefined {
  if (!isRecord(value)) return undefined;
  const table = textOnRecord(value['table']);
  if (table === undefined) return undefined;
  const { degree } = value;
  return {
    schema: textOnRecord(value['schema']),
    table,
    method: methodNamed(textOnRecord(value['method']) ?? ''),
    key: textOnRecord(value['key']),
    degree: typeof degree === 'number' ? degree : undefined,
  };
}

export function validSort(value: unknown): readonly SortColumn[] | undefined {
  return listOnRecord(value, (item) => {
    const column = isRecord(item) ? textOnRecord(item['column']) : undefined;
    return column === undefined ? undefined : { column, descending: isRecord(item) && item['descending'] === true };
  });
}

/** A list of directory keys. @throws LakeportError of class `usage` for one that is no list of expressions */
export function checkDirectoryKeys(list: string): string {
  parseDirectoryKeys(list);
  return list;
}

export function validRoute(value: unknown): Route | undefined {
  if (!isRecord(value)) return undefined;
  const patterns = validTexts(value['patterns']);
  const storageId = textOnRecord(value['storageId']);
  const subPath = textOnRecord(value['subPath']);
  if (patterns === undefined || storageId === undefined || subPath === undefined) return undefined;
  return { patterns, storageId, subPath };
}
