import type { ByteWriter } from './byte-writer.js';
import { stringType, type StringOptions } from './types/strings.js';
import { timeType } from './types/times.js';
import { decimalType, numberType } from './types/numbers.js';
import { parseDeclaredType, type WireColumn, type WireType, type WireValue } from './types/wire-type.js';

export type { WireColumn, WireValue } from './types/wire-type.js';

/** What a query gives. */
export interface ResultSet extends ResultEncoding {
  readonly columns: readonly WireColumn[];
  readonly rows: Iterable<readonly WireValue[]> | AsyncIterable<readonly WireValue[]>;
}

export interface ResultEncoding {
  /** Rows with a NULL as NBCROW tokens, which leave its place out. */
  readonly nullBitmaps?: boolean;
  /** Largest piece of values of the (max) types; 8,000 by default. */
  readonly chunkBytes?: number;
  /** False where the length of such a value is not sent before it. */
  readonly knownLength?: boolean;
}

const TOKEN = { columns: 0x81, row: 0xd1, rowWithBitmap: 0xd2 } as const;
/** Whether a value may be set is not known. */
const UPDATEABLE_UNKNOWN = 0x0008;
const NULLABLE = 0x0001;

/** Encodes the tokens of one result set (MS-TDS 2.2.7.4, 2.2.7.13, 2.2.7.19). */
export class ResultEncoder {
  readonly #columns: readonly WireColumn[];
  readonly #types: readonly WireType[];
  readonly #nullBitmaps: boolean;

  constructor(columns: readonly WireColumn[], encoding: ResultEncoding = {}) {
    const { nullBitmaps = false, chunkBytes = 8000, knownLength = true } = encoding;
    this.#columns = columns;
    this.#nullBitmaps = nullBitmaps;
    this.#types = columns.map((column) => wireType(column, { collation: column.collation, chunkBytes, knownLength }));
  }

  writeColumns(out: ByteWriter): void {
    out.u8(TOKEN.columns).u16(this.#columns.length);
    this.#columns.forEach(({ name, nullable = true }, i) => {
      out.u32(0).u16(UPDATEABLE_UNKNOWN | (nullable ? NULLABLE : 0));
      this.#types[i]!.typeInfo(out);
      out.bVarchar(name);
    });
  }

  writeRow(out: ByteWriter, row: readonly WireValue[]): void {
    if (this.#nullBitmaps && row.includes(null)) {
      this.#writeRowWithBitmap(out, row);
      return;
    }
    out.u8(TOKEN.row);
    this.#types.forEach((type, i) => type.value(out, row[i] ?? null));
  }

  #writeRowWithBitmap(out: ByteWriter, row: readonly WireValue[]): void {
    const bitmap = Buffer.alloc(Math.ceil(this.#types.length / 8));
    this.#types.forEach((_, i) => {
      if ((row[i] ?? null) === null) bitmap[i >>> 3] = bitmap[i >>> 3]! | (1 << (i & 7));
    });
    out.u8(TOKEN.rowWithBitmap).bytes(bitmap);
    this.#types.forEach((type, i) => {
      const value = row[i] ?? null;
      if (value !== null) type.value(out, value);
    });
  }
}

function wireType(column: WireColumn, options: StringOptions): WireType {
  const declared = parseDeclaredType(column.type);
  const nullable = column.nullable ?? true;
  const type =
    numberType(declared, nullable) ??
    decimalType(declared) ??
    timeType(declared, nullable) ??
    stringType(declared, options);
  if (type === undefined) throw new Error(`the test server does not send values of type ${column.type}`);
  return type;
}
