/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes per step ("slicing by 8"): ten times as fast as the byte-wise
 * one of the Google client, which would take longer than reading the rows.
 */
const POLYNOMIAL = 0x82f63b78;
const STEP = 8;
const TABLES = makeTables();

export class Crc32c {
  #state = -1;

  update(bytes: Uint8Array): void {
    this.#state = advance(this.#state, bytes);
  }

  /** In Google Cloud Storage's form: the four bytes, most significant first, in base64. */
  toString(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(~this.#state);
    return bytes.toString('base64');
  }
}

/** Casts: every index is in range. */
function advance(start: number, bytes: Uint8Array): number {
  const table = TABLES;
  const lastStep = bytes.length - STEP;
  let state = start;
  let index = 0;
  for (; index <= lastStep; index += STEP) {
    const first = (bytes[index] as number) | ((bytes[index + 1] as number) << 8);
    const second = ((bytes[index + 2] as number) << 16) | ((bytes[index + 3] as number) << 24);
    const low = state ^ (first | second);
    state =
      (table[1792 + (low & 255)] as number) ^
      (table[1536 + ((low >>> 8) & 255)] as number) ^
      (table[1280 + ((low >>> 16) & 255)] as number) ^
      (table[1024 + (low >>> 24)] as number) ^
      (table[768 + (bytes[index + 4] as number)] as number) ^
      (table[512 + (bytes[index + 5] as number)] as number) ^
      (table[256 + (bytes[index + 6] as number)] as number) ^
      (table[bytes[index + 7] as number] as number);
  }
  for (; index < bytes.length; index++) {
    state = (table[(state ^ (bytes[index] as number)) & 255] as number) ^ (state >>> 8);
  }
  return state;
}

/** Table k holds the remainders of a byte followed by k more bytes. */
function makeTables(): Int32Array {
  const tables = new Int32Array(STEP * 256);
  for (let value = 0; value < 256; value++) {
    let remainder = value;
    for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    tables[value] = remainder;
  }
  for (let index = 256; index < tables.length; index++) {
    const previous = tables[index - 256] as number; // the previous table is complete
    tables[index] = (tables[previous & 255] as number) ^ (previous >>> 8);
  }
  return tables;
}
