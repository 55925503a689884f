import type { TableId } from '../model/table.js';

/**
 * Text of a database (names, messages) without what a terminal would obey: control characters come out as `\n`, `\x1b`;
 * so do the marks that reverse the direction of text.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, escapeCharacter);
}

/** The same for messages with a list in them, whose lines are indented; any other line break stands in a name. */
export function printableLines(text: string): string {
  return text
    .split(/\n(?= {2})/)
    .map(printable)
    .join('\n');
}

/** `schema.table`. */
export function tableName({ schema, name }: TableId): string {
  return printable(`${schema}.${name}`);
}

function escapeCharacter(character: string): string {
  const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}
