/** Grows as it is written to. Numbers are little-endian, as everywhere in TDS but in packet headers. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written since the last `take`; the writer is empty afterwards. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#length = 0;
    return taken;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#length = this.#bytes.writeUInt8(value, this.#length);
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#length = this.#bytes.writeUInt16LE(value, this.#length);
    return this;
  }

  i16(value: number): this {
    this.#reserve(2);
    this.#length = this.#bytes.writeInt16LE(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
    return this;
  }

  i32(value: number): this {
    this.#reserve(4);
    this.#length = this.#bytes.writeInt32LE(value, this.#length);
    return this;
  }

  i64(value: bigint): this {
    return this.unsigned(BigInt.asUintN(64, value), 8);
  }

  float(value: number): this {
    this.#reserve(4);
    this.#length = this.#bytes.writeFloatLE(value, this.#length);
    return this;
  }

  double(value: number): this {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
    return this;
  }

  /** A non-negative number of any width. */
  unsigned(value: bigint, width: number): this {
    this.#reserve(width);
    let rest = value;
    for (let i = 0; i < width; i++, rest >>= 8n) this.#bytes[this.#length++] = Number(rest & 0xffn);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** B_VARCHAR: UTF-16 behind its length in characters, one byte. */
  bVarchar(text: string): this {
    return this.u8(text.length).bytes(Buffer.from(text, 'utf16le'));
  }

  /** US_VARCHAR: UTF-16 behind its length in characters, two bytes. */
  usVarchar(text: string): this {
    return this.u16(text.length).bytes(Buffer.from(text, 'utf16le'));
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
