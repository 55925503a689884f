import { swap64 } from './bytes-order';

/**
 * Writes an unscaled decimal as Parquet's FIXED_LEN_BYTE_ARRAY: two's complement, big-endian.
 * @param width in bytes, 9 to 16
 * @param low and `high`: the halves of its magnitude
 */
// @ts-ignore: decorator
@inline
export function storeDecimal(to: usize, width: i32, low: u64, high: u64, isNegative: bool): void {
  if (isNegative) {
    low = ~low + 1;
    high = ~high + (low == 0 ? 1 : 0);
  }
  // The low half as a whole; what the width leaves of the high half before it.
  store<u64>(to + width - 8, swap64(low));
  for (let k = width - 9; k >= 0; k--) {
    store<u8>(to + k, <u8>high);
    high >>= 8;
  }
}
