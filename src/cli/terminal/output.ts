import { fstatSync, writeSync } from 'node:fs';
import { styleText } from 'node:util';

import { LiveArea } from './live-area.js';

export type Paint = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Of a terminal that does not say how wide it is: a pseudo-terminal without a size says 0. */
const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

/** One of the process's two output streams: whether a person looks at it, and whether anybody still reads it. */
export class Output {
  readonly isTerminal: boolean;
  readonly #stream: NodeJS.WriteStream;
  readonly #colours: boolean;
  readonly #live = new LiveArea();
  /** Of a file or a device: they are written to at once and as a whole. */
  readonly #file: number | undefined;
  #isClosed = false;
  #hasWritten = false;
  #failure: Error | undefined;

  constructor(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY;
    // https://no-color.org: any value that is not empty.
    this.#colours = this.isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
    this.#file = this.isTerminal ? undefined : fileOf(stream);
    stream.on('error', (error: Error) => this.#broke(error));
  }

  /** Colours of the terminal are in use. */
  get colours(): boolean {
    return this.#colours;
  }

  /** Width in characters, at least 1; unlimited where nobody looks. */
  get columns(): number {
    return this.isTerminal ? sizeOr(this.#stream.columns, USUAL_COLUMNS) : Infinity;
  }

  /** Height in lines, at least 1; unlimited where nobody looks. */
  get rows(): number {
    return this.isTerminal ? sizeOr(this.#stream.rows, USUAL_ROWS) : Infinity;
  }

  /** Something was written, whether or not it arrived. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** Why not all that was written has arrived; undefined also where the reader has gone, who did not want it. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  paint(paint: Paint, text: string): string {
    return this.#colours ? styleText(paint, text, { validateStream: false }) : text;
  }

  write(text: string): void {
    this.#hasWritten = true;
    this.#send(this.#live.erased() + text);
  }

  /** Shows lines below all that was written, in place of those that were shown before; none takes them away. */
  show(lines: readonly string[]): void {
    this.#send(this.#live.drawn(lines));
  }

  /** Settles when all that was written has left the process, or can't any more. */
  async flush(): Promise<void> {
    if (this.#isClosed || this.#file !== undefined || !this.#stream.writable) return;
    await new Promise<void>((resolve) => {
      this.#stream.once('error', () => resolve());
      this.#stream.write('', () => resolve());
    });
  }

  #send(text: string): void {
    if (text === '' || this.#isClosed) return;
    if (this.#file === undefined) {
      if (this.#stream.writable) this.#stream.write(text);
      return;
    }
    try {
      writeWhole(this.#file, text);
    } catch (error) {
      this.#broke(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** What a reader that has gone (`lakeport plan | head`), or a terminal, did not want is not written: no failure. */
  #broke(error: Error): void {
    this.#isClosed = true;
    const code = 'code' in error ? error.code : undefined;
    const isGone = code === 'EPIPE' || code === 'ECONNRESET' || (this.isTerminal && code === 'EIO');
    if (!isGone) this.#failure ??= error;
  }
}

/** Writes all of a text to a file. The system may take a part of it, and say only then that the disk is full. */
export function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

function sizeOr(size: number | undefined, usual: number): number {
  return size !== undefined && Number.isInteger(size) && size > 0 ? size : usual;
}

function fileOf(stream: object): number | undefined {
  if (!('fd' in stream) || typeof stream.fd !== 'number') return undefined;
  const stats = fstatSync(stream.fd);
  return stats.isFile() || stats.isCharacterDevice() ? stream.fd : undefined;
}
