const ESCAPE = '\u001b[';

/**
 * Lines at the end of a terminal's text that are replaced again and again. The cursor stays behind them, and nothing of the
 * terminal is changed that would have to be restored: the process may end at any time.
 */
export class LiveArea {
  #lines = 0;

  /** What takes the lines off the terminal; empty where there are none. */
  erased(): string {
    if (this.#lines === 0) return '';
    const up = this.#lines > 1 ? `${ESCAPE}${this.#lines - 1}A` : '';
    this.#lines = 0;
    // "Erase in display", from the cursor to the end.
    return `\r${up}${ESCAPE}J`;
  }

  /** What shows these lines in place of those before. None of them may be wider than the terminal. */
  drawn(lines: readonly string[]): string {
    const text = this.erased() + lines.join('\n');
    this.#lines = lines.length;
    return text;
  }
}
