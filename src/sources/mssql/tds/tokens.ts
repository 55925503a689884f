import type { ByteInput } from './byte-input.js';

/** Tokens that may surround rows (MS-TDS 2.2.7), parsed as far as needed to find their end. */

const RETURN_STATUS = 0x79;
const DONE = 0xfd;
const DONE_IN_PROC = 0xff;
const DONE_BYTES = 13;
const SESSION_STATE = 0xe4;
/** Tokens with a two-byte length: TABNAME, COLINFO, ORDER, ERROR, INFO, ENVCHANGE. */
const WITH_LENGTH = new Set([0xa4, 0xa5, 0xa9, 0xaa, 0xab, 0xe3]);
/** Tokens that the driver does not know and that are not needed. */
const SKIPPED = new Set([0xa4, 0xa5, SESSION_STATE]);

/**
 * Waits until the token at the input's start is complete.
 * @returns its size in bytes
 * @throws Error for a token that is not allowed there
 */
export async function driversTokenBytes(input: ByteInput): Promise<number> {
  const token = input.bytes[input.start] ?? 0;
  const bytes = await sizeOf(token, input);
  await input.need(bytes);
  return bytes;
}

async function sizeOf(token: number, input: ByteInput): Promise<number> {
  if (token >= DONE && token <= DONE_IN_PROC) return DONE_BYTES;
  if (token === RETURN_STATUS) return 5;
  if (token === SESSION_STATE) {
    await input.need(5);
    return 5 + input.view.getUint32(input.start + 1, true);
  }
  if (!WITH_LENGTH.has(token)) throw new Error(`the response has the unexpected token 0x${token.toString(16)}`);
  await input.need(3);
  return 3 + input.view.getUint16(input.start + 1, true);
}

export function isSkipped(token: Uint8Array): boolean {
  return SKIPPED.has(token[0] ?? 0);
}
