import { fstatSync, writeSync } from 'node:fs';
import { styleText } from 'node:util';

import { LiveArea } from './live-area.js';

export type Paint = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** For a terminal that does not report its size: a pseudo-terminal without one reports 0. */
const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

/** One of the process's two output streams: whether it is a terminal, and whether it still has a reader. */
export class Output {
  readonly isTerminal: boolean;
  readonly #stream: NodeJS.WriteStream;
  readonly #colours: boolean;
  readonly #live = new LiveArea();
  /** Descriptor of a file or a device, which are written synchronously and completely. */
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

  /** Whether the terminal's colours are used. */
  get colours(): boolean {
    return this.#colours;
  }

  /** Width in characters, at least 1; unlimited without a terminal. */
  get columns(): number {
    return this.isTerminal ? sizeOr(this.#stream.columns, USUAL_COLUMNS) : Infinity;
  }

  /** Height in lines, at least 1; unlimited without a terminal. */
  get rows(): number {
    return this.isTerminal ? sizeOr(this.#stream.rows, USUAL_ROWS) : Infinity;
  }

  /** Whether anything was written, even if it did not arrive. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** Why output was lost; undefined also if the reader closed its end. */
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

  /** Shows lines below the output, in place of those shown before; an empty list removes them. */
  show(lines: readonly string[]): void {
    this.#send(this.#live.drawn(lines));
  }

  /** Settles when all output has left the process, or can no longer do so. */
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

  /** If the reader (`lakeport plan | head`) or the terminal is gone, the rest is dropped: not a failure. */
  #broke(error: Error): void {
    this.#isClosed = true;
    const code = 'code' in error ? error.code : undefined;
    const isGone = code === 'EPIPE' || code === 'ECONNRESET' || (this.isTerminal && code === 'EIO');
    if (!isGone) this.#failure ??= error;
  }
}

/** Writes a whole text to a file. The system may accept a part of it before it reports a full disk. */
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
