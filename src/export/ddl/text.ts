import { textLiteral } from '../../text/sql-quotes.js';

/** Names and texts as the dialects write them. */

export function inBackticks(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** `schema.table`, or the name alone. */
export function qualified(
  { schema, name }: { readonly schema: string; readonly name: string },
  quote: (name: string) => string,
): string {
  return schema === '' ? quote(name) : `${quote(schema)}.${quote(name)}`;
}

/** A literal of standard SQL, in which only the quote is special. */
export function sqlText(text: string): string {
  return textLiteral(withoutNul(text));
}

/** A literal in which a backslash escapes. */
export function escapedText(text: string): string {
  const escaped = withoutNul(text)
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

/** No system takes it. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

/** Lines of a comment, each behind two dashes. */
export function commentLines(text: string): string {
  return text
    .split(/[\n\r\u0085\u2028\u2029\f\v]+/)
    .map((line) => `-- ${line}`)
    .join('\n');
}

/** Cut to so many characters, for systems that take no longer comments. */
export function cut(text: string | undefined, longest: number): string | undefined {
  if (text === undefined) return undefined;
  const characters = Array.from(text);
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join('')}…`;
}
