const ESCAPE = '\u001b[';

/**
 * Lines at the end of a terminal's text that are redrawn in place. The cursor stays after them, and no terminal state
 * is changed that would have to be restored: the process may end at any time.
 */
export class LiveArea {
  #lines = 0;

  /** The text that erases the lines; empty if there are none. */
  erased(): string {
    if (this.#lines === 0) return '';
    const up = this.#lines > 1 ? `${ESCAPE}${this.#lines - 1}A` : '';
    this.#lines = 0;
    // "Erase in display", from the cursor to the end.
    return `\r${up}${ESCAPE}J`;
  }

  /** The text that replaces the previous lines with these. No line may be wider than the terminal. */
  drawn(lines: readonly string[]): string {
    const text = this.erased() + lines.join('\n');
    this.#lines = lines.length;
    return text;
  }
}
