import { commentText } from './comments.js';
import { Random } from './random.js';

/** Maximum bytes of one row in COPY's text format. */
const ROW_BYTES = 256;
const CHUNK_BYTES = 256 * 1024;
const TEXT_BYTES = 16 * 1024 * 1024;
const DAY_MS = 86_400_000;

/** TPC-H 4.2.3: orders are made from here on; what is later than CURRENT has not arrived yet. */
const START = Date.UTC(1992, 0, 1) / DAY_MS;
const ORDER_DAYS = 2405;
const CURRENT = Date.UTC(1995, 5, 17) / DAY_MS;

const INSTRUCTIONS = ['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'].map((s) => Buffer.from(s));
const MODES = ['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'].map((s) => Buffer.from(s));

/** The first `rows` rows of TPC-H's `lineitem` as its rules describe them, in COPY's text format, in chunks. */
export function* lineitemRows(rows: number): Generator<Buffer> {
  const random = new Random(42);
  const text = commentText(TEXT_BYTES);
  const dates = dateTexts();
  // One scale factor is 6,000,000 rows, 200,000 parts and 10,000 suppliers.
  const scale = Math.max(rows / 6_000_000, 0.01);
  const parts = Math.round(200_000 * scale);
  const suppliers = Math.round(10_000 * scale);
  const out = new RowBuffer();

  let order = 0;
  let line = 0;
  let lines = 0;
  let orderDay = 0;
  for (let row = 0; row < rows; row++) {
    if (line === lines) {
      order++;
      line = 0;
      lines = random.between(1, 7);
      orderDay = random.between(0, ORDER_DAYS);
    }
    line++;
    const part = random.between(1, parts);
    const step = Math.floor(suppliers / 4) + Math.floor((part - 1) / suppliers);
    const quantity = random.between(1, 50);
    const price = 90_000 + (Math.floor(part / 10) % 20_001) + 100 * (part % 1000);
    const ship = orderDay + random.between(1, 121);
    const commit = orderDay + random.between(30, 90);
    const receipt = ship + random.between(1, 30);

    // Eight keys of every 32 are used.
    out.integer((Math.floor(order / 8) * 32 + (order % 8)) | 0).tab();
    out.integer(part).tab();
    out.integer(((part + random.between(0, 3) * step) % suppliers) + 1).tab();
    out.integer(line).tab();
    out.cents(quantity * 100).tab();
    out.cents(quantity * price).tab();
    out.cents(random.between(0, 10)).tab();
    out.cents(random.between(0, 8)).tab();
    out.byte(receipt + START <= CURRENT ? (random.between(0, 1) === 0 ? 0x52 : 0x41) : 0x4e).tab(); // R, A or N
    out.byte(ship + START > CURRENT ? 0x4f : 0x46).tab(); // O or F
    out.bytes(dates, ship * 10, 10).tab();
    out.bytes(dates, commit * 10, 10).tab();
    out.bytes(dates, receipt * 10, 10).tab();
    out.buffer(random.pick(INSTRUCTIONS)).tab();
    out.buffer(random.pick(MODES)).tab();
    const length = random.between(10, 43);
    out.bytes(text, random.between(0, text.length - length), length).newline();
    if (out.size > CHUNK_BYTES - ROW_BYTES) yield out.take();
  }
  yield out.take();
}

function dateTexts(): Buffer {
  const days = ORDER_DAYS + 121 + 30 + 1;
  const texts = Array.from({ length: days }, (_, day) => new Date((START + day) * DAY_MS).toISOString().slice(0, 10));
  return Buffer.from(texts.join(''));
}

class RowBuffer {
  #bytes = Buffer.allocUnsafe(CHUNK_BYTES);
  size = 0;

  take(): Buffer {
    const chunk = this.#bytes.subarray(0, this.size);
    this.#bytes = Buffer.allocUnsafe(CHUNK_BYTES);
    this.size = 0;
    return chunk;
  }

  byte(value: number): this {
    this.#bytes[this.size++] = value;
    return this;
  }

  tab(): this {
    return this.byte(0x09);
  }

  newline(): this {
    return this.byte(0x0a);
  }

  /** A non-negative integer below 2^31. */
  integer(value: number): this {
    let digits = 1;
    for (let limit = 10; value >= limit && digits < 10; limit *= 10) digits++;
    for (let i = this.size + digits - 1; i >= this.size; i--) {
      const rest = (value / 10) | 0;
      this.#bytes[i] = 0x30 + (value - rest * 10);
      value = rest;
    }
    this.size += digits;
    return this;
  }

  /** A non-negative amount with two digits after the point. */
  cents(value: number): this {
    this.integer((value / 100) | 0).byte(0x2e);
    const fraction = value % 100;
    return this.byte(0x30 + ((fraction / 10) | 0)).byte(0x30 + (fraction % 10));
  }

  bytes(from: Buffer, start: number, length: number): this {
    from.copy(this.#bytes, this.size, start, start + length);
    this.size += length;
    return this;
  }

  buffer(from: Buffer): this {
    return this.bytes(from, 0, from.length);
  }
}
