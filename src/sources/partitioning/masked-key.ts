import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import type { TableOverride } from '../source.js';

/** Its slices are named by remainders, which tell nothing about the values. */
const WITHOUT_VALUES = new Set(['Random']);

/**
 * Bounds of slices are values of the key: they are in the manifest, the run log, and the names of directories.
 * @param masked names of the table's masked columns
 * @throws LakeportError if a masked column is part of the key of such a method
 */
export function refuseMaskedKey(table: TableId, override: TableOverride | undefined, masked: readonly string[]): void {
  const { key, method } = override ?? {};
  if (key === undefined || (method !== undefined && WITHOUT_VALUES.has(method))) return;
  const column = masked.find((name) => mentions(key, name));
  if (column !== undefined) throw maskedKey(table, { key, column });
}

/** @param split.column that is masked, and that the key refers to */
export function maskedKey(
  table: TableId,
  { key, column }: { readonly key: string; readonly column: string },
): LakeportError {
  return new LakeportError({
    code: 'PARTITION_KEY_MASKED',
    message: `${tableName(table)} cannot be split by ${key}: the column ${column} is masked, and bounds of slices would show its values`,
    hint: 'Split it by the method Random, which needs no bounds, by another column, or leave the key out',
    context: { table: tableName(table), column },
  });
}

/** Whether an expression may refer to the column; a mistake is on the safe side. */
function mentions(expression: string, column: string): boolean {
  const text = expression.toLowerCase();
  const name = column.toLowerCase();
  const spellings = [name, name.replaceAll('"', '""'), name.replaceAll(']', ']]'), name.replaceAll('`', '``')];
  return spellings.some((spelling) => occursAsWord(text, spelling)) || /u&"/.test(text);
}

const WORD = /[\p{L}\p{N}_$]/u;

function occursAsWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!WORD.test(text[at - 1] ?? ' ') && !WORD.test(text[at + word.length] ?? ' ')) return true;
  }
  return false;
}
