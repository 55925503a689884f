/** Names and literals as SQL writes them: a quote inside is doubled, and nothing else is special. */

export function doubleQuoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** As in T-SQL. */
export function inBrackets(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}

/** A literal, for servers in which a backslash is a character as any other. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
