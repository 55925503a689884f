import stringWidth from 'fast-string-width';

export interface TextColumn {
  readonly title: string;
  /** Numbers are right-aligned. */
  readonly align?: 'left' | 'right';
}

export interface TextTable {
  readonly columns: readonly TextColumn[];
  readonly rows: readonly (readonly string[])[];
}

const GAP = '  ';

/** Lines of a table with titles; each column is as wide as its widest cell, in terminal cells. */
export function tableLines({ columns, rows }: TextTable): { readonly title: string; readonly rows: string[] } {
  const widths = columns.map((column, at) =>
    rows.reduce((widest, row) => Math.max(widest, stringWidth(row[at] ?? '')), stringWidth(column.title)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, at) => pad(cells[at] ?? '', widths[at] ?? 0, column.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  return { title: line(columns.map(({ title }) => title)), rows: rows.map(line) };
}

/** The text, truncated to a width in terminal cells; truncation shows as `…`. */
export function fit(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let fitting = '';
  let used = 1;
  for (const character of text) {
    used += stringWidth(character);
    if (used > width) break;
    fitting += character;
  }
  return `${fitting}…`;
}

export function pad(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
}
