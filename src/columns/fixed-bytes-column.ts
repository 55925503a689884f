import { BaseColumn, type ColumnBufferOptions } from './column-buffer.js';

/** FIXED_LEN_BYTE_ARRAY: UUIDs and decimals of more than 18 digits. Values rarely repeat, so there is no dictionary. */
export class FixedBytesColumn extends BaseColumn<never> {
  readonly kind = 'fixed';
  /** Bytes a value. */
  readonly width: number;
  /** Valid up to `valueCount * width`. */
  data = new Uint8Array(0);

  constructor(options: ColumnBufferOptions) {
    super(options, undefined);
    const { length } = options.spec.type;
    if (length === undefined)
      throw new TypeError(`column ${options.spec.name}: a fixed length type without its length`);
    this.width = length;
  }

  get plainLength(): number {
    return this.valueCount * this.width;
  }

  plain(): Uint8Array {
    return this.data.subarray(0, this.plainLength);
  }

  protected reservePlain(values: number): void {
    const needed = (this.valueCount + values) * this.width;
    if (needed <= this.data.length) return;
    const grown = new Uint8Array(Math.max(needed, this.data.length * 2, 4096));
    grown.set(this.data);
    this.data = grown;
  }

  protected appendEntries(): void {
    // There is never a dictionary.
  }

  protected clearValues(): void {
    // Nothing beside the count.
  }
}
