import { swap32 } from './bytes-order';

/*
 * Fields of a batch: `offsets` are relative to `wire`, and none is a NULL.
 */

/** Address of a field. */
// @ts-ignore: decorator
@inline
export function field(wire: usize, offsets: usize, i: i32): usize {
  return wire + load<u32>(offsets + ((<usize>i) << 2));
}

/** Those of `LengthPrefix` in kernels.ts; the third is 4 bytes, little-endian. */
const BIG_ENDIAN_32: i32 = 0;
const LITTLE_ENDIAN_16: i32 = 1;

/** The length of a byte string, which stands right before it. */
// @ts-ignore: decorator
@inline
export function lengthBefore(at: usize, prefix: i32): i32 {
  if (prefix == BIG_ENDIAN_32) return <i32>swap32(load<u32>(at - 4));
  return prefix == LITTLE_ENDIAN_16 ? <i32>load<u16>(at - 2) : load<i32>(at - 4);
}
