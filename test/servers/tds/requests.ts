/** MS-TDS 2.2.6.6 to 2.2.6.9: what clients ask for. */

export interface Parameter {
  readonly name: string;
  readonly value: string | number | bigint | boolean | Buffer | null;
}

export interface Rpc {
  readonly procedure: string;
  readonly parameters: readonly Parameter[];
}

/** The statement of a SQLBatch, behind ALL_HEADERS. */
export function parseBatch(data: Buffer): string {
  return data.toString('utf16le', data.readUInt32LE(0));
}

const ISOLATION = ['', 'READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE', 'SNAPSHOT'];

export type TransactionRequest =
  { readonly kind: 'begin'; readonly isolation: string } | { readonly kind: 'commit' | 'rollback' };

export function parseTransactionRequest(data: Buffer): TransactionRequest {
  const at = data.readUInt32LE(0);
  const request = data.readUInt16LE(at);
  if (request === 5) return { kind: 'begin', isolation: ISOLATION[data.readUInt8(at + 2)] ?? '' };
  if (request === 7) return { kind: 'commit' };
  if (request === 8) return { kind: 'rollback' };
  throw new Error(`no answer to transaction request ${request}`);
}

const PROCEDURES: Readonly<Record<number, string>> = { 10: 'sp_executesql', 11: 'sp_prepare', 12: 'sp_execute' };
const BY_ID = 0xffff;

export function parseRpc(data: Buffer): Rpc {
  const reader = new Reader(data, data.readUInt32LE(0));
  const length = reader.u16();
  const procedure = length === BY_ID ? (PROCEDURES[reader.u16()] ?? '') : reader.text(length);
  reader.u16(); // option flags
  const parameters: Parameter[] = [];
  while (!reader.isAtEnd) {
    const name = reader.text(reader.u8());
    reader.u8(); // status flags
    parameters.push({ name, value: readParameter(reader) });
  }
  return { procedure, parameters };
}

class Reader {
  readonly #data: Buffer;
  #at: number;

  constructor(data: Buffer, at: number) {
    this.#data = data;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#data.length;
  }

  u8(): number {
    return this.bytes(1).readUInt8();
  }

  u16(): number {
    return this.bytes(2).readUInt16LE();
  }

  u32(): number {
    return this.bytes(4).readUInt32LE();
  }

  u64(): bigint {
    return this.bytes(8).readBigUInt64LE();
  }

  text(characters: number): string {
    return this.bytes(characters * 2).toString('utf16le');
  }

  bytes(count: number): Buffer {
    const bytes = this.#data.subarray(this.#at, this.#at + count);
    if (bytes.length < count) throw new Error('a request that ends too early');
    this.#at += count;
    return bytes;
  }
}

const TYPE = { int: 0x26, bit: 0x68, float: 0x6d, nvarchar: 0xe7, varchar: 0xa7, varbinary: 0xa5 } as const;
const PLP = 0xffff;
const PLP_NULL = 0xffff_ffff_ffff_ffffn;

/** The types that the product's parameters have. */
function readParameter(reader: Reader): Parameter['value'] {
  const type = reader.u8();
  switch (type) {
    case TYPE.nvarchar:
    case TYPE.varchar:
    case TYPE.varbinary: {
      const maximum = reader.u16();
      if (type !== TYPE.varbinary) reader.bytes(5); // collation
      const bytes = maximum === PLP ? readChunks(reader) : readShort(reader);
      if (bytes === null || type === TYPE.varbinary) return bytes;
      return bytes.toString(type === TYPE.nvarchar ? 'utf16le' : 'latin1');
    }
    case TYPE.int:
    case TYPE.bit:
    case TYPE.float: {
      reader.u8(); // declared length
      const bytes = reader.bytes(reader.u8());
      if (bytes.length === 0) return null;
      if (type === TYPE.bit) return bytes[0] !== 0;
      if (type === TYPE.float) return bytes.length === 8 ? bytes.readDoubleLE() : bytes.readFloatLE();
      return bytes.length === 8 ? bytes.readBigInt64LE() : bytes.readIntLE(0, bytes.length);
    }
    default:
      throw new Error(`a parameter of type 0x${type.toString(16)}`);
  }
}

function readShort(reader: Reader): Buffer | null {
  const length = reader.u16();
  return length === 0xffff ? null : reader.bytes(length);
}

function readChunks(reader: Reader): Buffer | null {
  if (reader.u64() === PLP_NULL) return null;
  const chunks: Buffer[] = [];
  for (let length = reader.u32(); length > 0; length = reader.u32()) chunks.push(reader.bytes(length));
  return Buffer.concat(chunks);
}
