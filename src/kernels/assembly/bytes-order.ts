/*
 * Numbers as networks send them, big-endian. WebAssembly has no instruction that swaps bytes.
 */

// @ts-ignore: decorator
@inline
export function swap16(x: u32): u32 {
  return ((x & 0xff) << 8) | ((x >>> 8) & 0xff);
}

// @ts-ignore: decorator
@inline
export function swap32(x: u32): u32 {
  return rotl<u32>(x & 0xff00ff00, 8) | rotl<u32>(x & 0x00ff00ff, 24);
}

// @ts-ignore: decorator
@inline
export function swap64(x: u64): u64 {
  x = ((x & 0x00ff00ff00ff00ff) << 8) | ((x >> 8) & 0x00ff00ff00ff00ff);
  x = ((x & 0x0000ffff0000ffff) << 16) | ((x >> 16) & 0x0000ffff0000ffff);
  return rotl<u64>(x, 32);
}
