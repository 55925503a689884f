import type { TableId } from '../model/table.js';

/**
 * Text from a database (names, messages), safe for a terminal: control characters, and marks that reverse the direction
 * of text, are escaped as `\n` or `\x1b`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, escapeCharacter);
}

/** The same for messages that contain a list with indented lines; any other line break is part of a name. */
export function printableLines(text: string): string {
  return text
    .split(/\n(?= {2})/)
    .map(printable)
    .join('\n');
}

/** `schema.table`. */
export function tableName({ schema, name }: TableId): string {
  return printable(schema === '' ? name : `${schema}.${name}`);
}

function escapeCharacter(character: string): string {
  const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}
