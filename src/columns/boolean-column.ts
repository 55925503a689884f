import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';
import { grown } from '../kernels/memory.js';

/** BOOLEAN: one byte a value here, one bit in the page. */
export class BooleanColumn extends BaseColumn<never> {
  readonly kind = 'boolean';
  /** 0 or 1; valid up to `valueCount`. */
  values: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  constructor(options: ColumnBufferOptions) {
    super(options, undefined);
  }

  protected readonly valueBytes = 1;

  get plainLength(): number {
    return (this.valueCount + 7) >>> 3;
  }

  /** Packed least significant bit first, as PLAIN wants it. */
  plain(): Uint8Array {
    const packed = new Uint8Array(this.plainLength);
    for (let i = 0; i < this.valueCount; i++) {
      packed[i >>> 3] = (packed[i >>> 3] as number) | ((this.values[i] as number) << (i & 7)); // both within bounds
    }
    return packed;
  }

  protected reservePlain(values: number): void {
    const needed = this.valueCount + values;
    if (needed <= this.values.length) return;
    const { entries: page } = this.page;
    this.values = grown(this.memory, this.values, this.longer(this.values, { needed, first: 1024, page }));
  }

  protected get store(): ArrayBufferView {
    return this.values;
  }

  protected intern(): boolean {
    return false;
  }

  protected appendEntries(): void {
    // Booleans never use a dictionary.
  }

  protected clearValues(): void {
    // Only the count changes.
  }
}
