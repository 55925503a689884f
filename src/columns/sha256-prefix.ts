/**
 * The first 64 bits of SHA-256 (FIPS 180-4): what sums of hashes are made of. Node's own hash takes three times as long
 * for values of a few bytes, of which there are as many as a table has.
 */

const K = roundConstants();
const W = new Int32Array(64);
/** The last block or two: what is left of the message, the mark of its end, and its length. */
const tail = new Uint8Array(128);

/** The hash's first 64 bits, big-endian, as two unsigned numbers. Overwritten by the next call. */
export const prefix = { high: 0, low: 0 };
const state = new Int32Array(8);

/** Hashes `bytes[0, length)` into `prefix`. */
export function hashPrefix(bytes: Uint8Array, length: number): void {
  state.set(INITIAL);
  const whole = length - (length % 64);
  for (let at = 0; at < whole; at += 64) addBlock(bytes, at);
  const rest = length - whole;
  const blocks = rest < 56 ? 64 : 128;
  for (let i = 0; i < rest; i++) tail[i] = bytes[whole + i] ?? 0;
  tail[rest] = 0x80;
  tail.fill(0, rest + 1, blocks);
  const high = Math.floor(length / 2 ** 29);
  const low = (length << 3) >>> 0;
  for (let i = 0; i < 4; i++) {
    tail[blocks - 8 + i] = high >>> (24 - 8 * i);
    tail[blocks - 4 + i] = low >>> (24 - 8 * i);
  }
  addBlock(tail, 0);
  if (blocks === 128) addBlock(tail, 64);
  prefix.high = (state[0] ?? 0) >>> 0;
  prefix.low = (state[1] ?? 0) >>> 0;
}

/* eslint-disable @typescript-eslint/no-non-null-assertion -- within the bounds of fixed arrays, in the innermost loop */
function addBlock(bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++, at += 4) {
    W[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15]!;
    const y = W[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16]! + s0 + W[i - 7]! + s1) | 0;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + W[i]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
  state[4] = (state[4]! + e) | 0;
  state[5] = (state[5]! + f) | 0;
  state[6] = (state[6]! + g) | 0;
  state[7] = (state[7]! + h) | 0;
}
/* eslint-enable @typescript-eslint/no-non-null-assertion */

const INITIAL = Int32Array.of(
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
);

/**
 * The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2): a double has 50
 * of them.
 */
function roundConstants(): Int32Array {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return Int32Array.from(primes, (prime) => (Math.cbrt(prime) % 1) * 2 ** 32);
}
