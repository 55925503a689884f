import { viewOf } from '../kernels/memory.js';
import type { Kernels } from '../kernels/kernels.js';

/** A growable byte buffer for assembling pages; reused for every page. */
export class PageBuffer {
  bytes: Uint8Array = new Uint8Array(1 << 16);
  /** Over the same bytes. */
  view = viewOf(this.bytes);
  length = 0;

  /** Clears the buffer, and moves it into the kernels' memory if that has room for `bytes`. */
  start(kernels: Kernels | undefined, bytes: number): void {
    this.clear();
    if (kernels === undefined || (kernels.address(this.bytes) >= 0 && this.bytes.length >= bytes)) return;
    const scratch = kernels.scratch('page', bytes);
    if (scratch === undefined) return;
    this.bytes = scratch;
    this.view = viewOf(scratch);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.bytes.length * 2, this.bytes.length + (64 << 20))));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = viewOf(grown);
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Unsigned LEB128, as in Thrift and the RLE hybrid. Requires room for 5 bytes. */
  appendVarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** The content; valid until the next change. */
  content(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** Clears the buffer; one grown large by a huge value is not kept. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length <= 8 << 20) return;
    this.bytes = new Uint8Array(1 << 16);
    this.view = viewOf(this.bytes);
  }
}
