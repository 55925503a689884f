import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

import { Refusal } from './refusal.js';

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0x82f63b78 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC32C_TABLE[(value ^ byte) & 255]! ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function word(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

export type Algorithm = 'crc32' | 'crc32c' | 'sha1' | 'sha256';

/** Base64, as S3 has them in headers. */
export const CHECKSUMS: Readonly<Record<Algorithm, (bytes: Uint8Array) => string>> = {
  crc32: (bytes) => word(crc32(bytes)),
  crc32c: (bytes) => word(crc32c(bytes)),
  sha1: (bytes) => createHash('sha1').update(bytes).digest('base64'),
  sha256: (bytes) => createHash('sha256').update(bytes).digest('base64'),
};

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** Compares a body with everything that its request says of it. Returns the checksums that S3 would keep. */
export function verifyBody(headers: Headers, trailers: Headers, body: Uint8Array): Partial<Record<Algorithm, string>> {
  const signed = header(headers, 'x-amz-content-sha256') ?? '';
  if (/^[0-9a-f]{64}$/.test(signed) && createHash('sha256').update(body).digest('hex') !== signed) {
    throw new Refusal(400, 'XAmzContentSHA256Mismatch');
  }
  const md5 = header(headers, 'content-md5');
  if (md5 !== undefined && createHash('md5').update(body).digest('base64') !== md5) throw new Refusal(400, 'BadDigest');
  const kept: Partial<Record<Algorithm, string>> = {};
  for (const [algorithm, compute] of Object.entries(CHECKSUMS) as [Algorithm, (typeof CHECKSUMS)[Algorithm]][]) {
    const name = `x-amz-checksum-${algorithm}`;
    const given = header(headers, name) ?? header(trailers, name);
    if (given === undefined) continue;
    if (compute(body) !== given) throw new Refusal(400, 'BadDigest', { message: `The ${algorithm} does not match.` });
    kept[algorithm] = given;
  }
  return kept;
}

/** A body in the `aws-chunked` framing, without it; the trailing headers. */
export function unframe(framed: Buffer): { body: Buffer; trailers: Headers } {
  const pieces: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const end = framed.indexOf('\r\n', offset);
    const size = Number.parseInt(framed.toString('latin1', offset, end).split(';')[0]!, 16);
    offset = end + 2;
    if (size === 0) break;
    pieces.push(framed.subarray(offset, offset + size));
    offset += size + 2;
  }
  const trailers: Record<string, string> = {};
  for (const line of framed.toString('latin1', offset).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) trailers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { body: Buffer.concat(pieces), trailers };
}
