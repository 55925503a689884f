import { styleText } from 'node:util';

export type Paint = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** One of the process's two output streams: whether a person looks at it, and whether anybody still reads it. */
export class Output {
  readonly stream: NodeJS.WriteStream;
  readonly isTerminal: boolean;
  readonly #colours: boolean;
  #closed = false;

  constructor(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv) {
    this.stream = stream;
    this.isTerminal = stream.isTTY;
    // https://no-color.org: any value that is not empty.
    this.#colours = this.isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
    stream.on('error', () => {
      // A reader that has gone (`lakeport plan | head`) is no failure: what it did not want is not written.
      this.#closed = true;
    });
  }

  /** Colours of the terminal are in use. */
  get colours(): boolean {
    return this.#colours;
  }

  /** Width in characters; unlimited where nobody looks. */
  get columns(): number {
    return this.isTerminal ? this.stream.columns : Infinity;
  }

  paint(paint: Paint, text: string): string {
    return this.#colours ? styleText(paint, text, { validateStream: false }) : text;
  }

  write(text: string): void {
    if (!this.#closed && this.stream.writable) this.stream.write(text);
  }

  /** Settles when all that was written has left the process, or can't any more. */
  async flush(): Promise<void> {
    if (this.#closed || !this.stream.writable) return;
    await new Promise<void>((resolve) => {
      this.stream.once('error', () => resolve());
      this.stream.write('', () => resolve());
    });
  }
}
