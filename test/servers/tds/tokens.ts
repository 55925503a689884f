import { ByteWriter } from './byte-writer.js';

/** MS-TDS 2.2.7: the tokens of a response, but for those of result sets. */

export const DONE = { done: 0xfd, proc: 0xfe, inProc: 0xff } as const;
const DONE_STATUS = { more: 0x01, error: 0x02, count: 0x10, attention: 0x20 } as const;
const SELECT_COMMAND = 0xc1;

export interface DoneOptions {
  readonly token?: number;
  /** Undefined where the statement has no count. */
  readonly rows?: number | undefined;
  readonly more?: boolean;
  readonly error?: boolean;
  readonly attention?: boolean;
}

export function doneToken({ token = DONE.done, rows, more, error, attention }: DoneOptions = {}): Buffer {
  const status =
    (more ? DONE_STATUS.more : 0) |
    (error ? DONE_STATUS.error : 0) |
    (rows !== undefined ? DONE_STATUS.count : 0) |
    (attention ? DONE_STATUS.attention : 0);
  return new ByteWriter()
    .u8(token)
    .u16(status)
    .u16(SELECT_COMMAND)
    .i64(BigInt(rows ?? 0))
    .take();
}

/** An error as the server reports it: thrown by a handler, sent to the client. */
export class TdsError extends Error {
  readonly number: number;
  readonly severity: number;
  readonly state: number;

  constructor(number: number, message: string, options: { readonly severity?: number; readonly state?: number } = {}) {
    super(message);
    this.number = number;
    this.severity = options.severity ?? 16;
    this.state = options.state ?? 1;
  }
}

export function errorToken(error: TdsError): Buffer {
  const body = new ByteWriter()
    .i32(error.number)
    .u8(error.state)
    .u8(error.severity)
    .usVarchar(error.message)
    .bVarchar('tds-test')
    .bVarchar('')
    .i32(1);
  return withLength(0xaa, body.take());
}

export function returnStatusToken(status: number): Buffer {
  return new ByteWriter().u8(0x79).i32(status).take();
}

const ENV = { database: 1, language: 2, packetSize: 4, collation: 7, begin: 8, commit: 9, rollback: 10 } as const;

function envChange(type: number, fill: (body: ByteWriter) => void): Buffer {
  const body = new ByteWriter().u8(type);
  fill(body);
  return withLength(0xe3, body.take());
}

const TDS_7_4 = Buffer.from([0x74, 0x00, 0x00, 0x04]);
const SERVER_VERSION = Buffer.from([16, 0, 0x04, 0x00]);

/** The tokens that answer a login. */
export function loginTokens(options: {
  readonly database: string;
  readonly packetBytes: number;
  readonly collation: Uint8Array;
}): Buffer {
  const { database, packetBytes, collation } = options;
  const acknowledgment = new ByteWriter().u8(1).bytes(TDS_7_4).bVarchar('Microsoft SQL Server').bytes(SERVER_VERSION);
  return Buffer.concat([
    envChange(ENV.database, (body) => body.bVarchar(database).bVarchar('master')),
    envChange(ENV.collation, (body) => body.u8(collation.length).bytes(collation).u8(0)),
    envChange(ENV.language, (body) => body.bVarchar('us_english').bVarchar('')),
    withLength(0xad, acknowledgment.take()),
    envChange(ENV.packetSize, (body) => body.bVarchar(String(packetBytes)).bVarchar('4096')),
    doneToken(),
  ]);
}

/** The descriptor that the server gave to the transaction. */
const TRANSACTION = Buffer.from([0x01, 0, 0, 0, 0x33, 0, 0, 0]);

export function transactionTokens(change: 'begin' | 'commit' | 'rollback'): Buffer {
  const token =
    change === 'begin'
      ? envChange(ENV.begin, (body) => body.u8(8).bytes(TRANSACTION).u8(0))
      : envChange(ENV[change], (body) => body.u8(0).u8(8).bytes(TRANSACTION));
  return Buffer.concat([token, doneToken()]);
}

function withLength(token: number, body: Buffer): Buffer {
  return new ByteWriter().u8(token).u16(body.length).bytes(body).take();
}
