import { randomBytes } from 'node:crypto';

/** 16 hexadecimal digits that distinguish one object, part or process from all others. */
export function newNonce(): string {
  return randomBytes(8).toString('hex');
}
