/** Characters in one style. */
export interface Span {
  readonly text: string;
  /** Active SGR codes. */
  readonly style: ReadonlySet<number>;
}

interface Cell {
  readonly character: string;
  readonly style: ReadonlySet<number>;
}

const PLAIN: ReadonlySet<number> = new Set();

/** SGR codes and those that end them. */
const ENDS = new Map([
  [22, [1, 2]],
  [39, [30, 31, 32, 33, 34, 35, 36, 37]],
]);

/** The final screen after a program's output, for the part of ECMA-48 that lakeport uses. */
export class Screen {
  readonly #lines: Cell[][] = [[]];
  #row = 0;
  #column = 0;
  #style = PLAIN;

  write(text: string): void {
    for (const [token, , parameters = '', final] of text.matchAll(/(\u001b\[([?\d;]*)([A-Za-z]))|[^]/gu)) {
      if (final !== undefined) this.#control(final, parameters);
      else if (token === '\n') this.#moveTo(this.#row + 1, 0);
      else if (token === '\r') this.#column = 0;
      else this.#put(token);
    }
  }

  /** Without empty lines at the end. */
  lines(): Span[][] {
    const lines = this.#lines.map(spansOf);
    while (lines.at(-1)?.length === 0) lines.pop();
    return lines;
  }

  #put(character: string): void {
    this.#line()[this.#column++] = { character, style: this.#style };
  }

  #control(final: string, parameters: string): void {
    const [first = 0] = parameters.split(';').map(Number);
    if (final === 'm') this.#paint(parameters.split(';').map(Number));
    else if (final === 'A') this.#moveTo(Math.max(0, this.#row - Math.max(1, first)), this.#column);
    else if (final === 'G') this.#column = Math.max(1, first) - 1;
    else if (final === 'K') this.#line().length = Math.min(this.#column, this.#line().length);
    else if (final === 'J') {
      this.#line().length = Math.min(this.#column, this.#line().length);
      this.#lines.length = this.#row + 1;
    }
  }

  #paint(codes: readonly number[]): void {
    const style = new Set(this.#style);
    for (const code of codes) {
      if (code === 0) style.clear();
      else if (ENDS.has(code)) for (const ended of ENDS.get(code) ?? []) style.delete(ended);
      else style.add(code);
    }
    this.#style = style;
  }

  #moveTo(row: number, column: number): void {
    while (this.#lines.length <= row) this.#lines.push([]);
    this.#row = row;
    this.#column = column;
  }

  #line(): Cell[] {
    const line = this.#lines[this.#row] ?? [];
    while (line.length < this.#column) line.push({ character: ' ', style: PLAIN });
    return line;
  }
}

function spansOf(line: readonly Cell[]): Span[] {
  const spans: { text: string; style: ReadonlySet<number> }[] = [];
  for (const { character, style } of line) {
    const last = spans.at(-1);
    if (last?.style === style) last.text += character;
    else spans.push({ text: character, style });
  }
  return spans;
}
