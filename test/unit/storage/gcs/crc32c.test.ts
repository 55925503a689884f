import { randomBytes } from 'node:crypto';

import { CRC32C } from '@google-cloud/storage';
import { describe, expect, it } from 'vitest';

import { Crc32c } from '../../../../src/storage/gcs/crc32c.js';

function checksum(...pieces: Uint8Array[]): string {
  const crc = new Crc32c();
  for (const piece of pieces) crc.update(piece);
  return crc.toString();
}

describe('CRC-32C', () => {
  it('is that of the examples in RFC 3720', () => {
    // Appendix B.4 lists the bytes in the order of the wire, the least significant first.
    const wire = (base64: string) => Buffer.from(base64, 'base64').reverse().toString('hex');
    expect(wire(checksum(Buffer.alloc(32)))).toBe('aa36918a');
    expect(wire(checksum(Buffer.alloc(32, 0xff)))).toBe('43aba862');
    expect(wire(checksum(Uint8Array.from({ length: 32 }, (_, index) => index)))).toBe('4e79dd46');
  });

  it("is that of Google's client, in whatever pieces the bytes come", () => {
    for (let length = 0; length < 100; length++) {
      const content = randomBytes(length);
      const reference = new CRC32C();
      reference.update(content);
      const cut = Math.floor(length / 3);
      expect(checksum(content)).toBe(reference.toString());
      expect(checksum(content.subarray(0, cut), content.subarray(cut))).toBe(reference.toString());
    }
  });
});
