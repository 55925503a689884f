import { byDirectory } from './by-directory.js';
import { byRemainder } from './by-modulo.js';
import { type DirectoryKeyText, parseDirectoryKeys, resolveDirectoryKeys } from './directory-keys.js';
import { requireKeyText, resolveKey } from './key.js';
import type { KeyMethod } from './methods.js';
import { parseTimeKey } from './periods.js';
import type { Share } from './predicate.js';
import { rangesByCount, rangesByWidth } from './ranges.js';
import type { KeyedTable } from './sql-dialect.js';

export interface KeyRequest {
  /** Undefined to choose one by the key's type. */
  readonly method: KeyMethod | undefined;
  readonly key: string | undefined;
  readonly degree: number;
  /** Suitable number of slices, for methods that leave it open. */
  readonly count: number;
  readonly estimatedRows: number | undefined;
}

/** Splits a table by the configured key. @throws LakeportError if the key does not suit the method */
export async function byKey(table: KeyedTable, request: KeyRequest): Promise<Share[]> {
  const { method, degree, estimatedRows } = request;
  const text = requireKeyText(method, request.key);
  if (method === 'Timepartition' || method === 'DataDriven') {
    const texts = method === 'DataDriven' ? parseDirectoryKeys(text) : timeKeys(text);
    const isTime = texts.every(({ kind }) => kind === 'period');
    return byDirectory(table, await resolveDirectoryKeys(table, texts), isTime ? 'Timepartition' : 'DataDriven');
  }
  const key = await resolveKey(table, text);
  const options = { count: request.count, estimatedRows };
  switch (method) {
    case undefined:
      return (key.type.scale === undefined ? rangesByCount : rangesByWidth)(table, key, options);
    case 'RangeId':
      return rangesByWidth(table, key, options);
    case 'Ntile':
      return rangesByCount(table, key, options);
    // Each of its slices scans the whole table.
    case 'Random':
      return byRemainder(table.dialect, key, { count: degree, estimatedRows });
    default:
      return method satisfies never;
  }
}

function timeKeys(text: string): DirectoryKeyText[] {
  const { column, period } = parseTimeKey(text);
  return [{ kind: 'period', text: column, period }];
}
