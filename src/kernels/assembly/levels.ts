/*
 * NULLs: negative offsets.
 */

/** How many of the `count` offsets are NULL. */
export function countNulls(offsets: usize, count: i32): i32 {
  let nulls: u32 = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let sums = i32x4.splat(0);
    for (; i + 4 <= count; i += 4) sums = i32x4.add(sums, i32x4.shr_u(v128.load(offsets + ((<usize>i) << 2)), 31));
    nulls =
      i32x4.extract_lane(sums, 0) +
      i32x4.extract_lane(sums, 1) +
      i32x4.extract_lane(sums, 2) +
      i32x4.extract_lane(sums, 3);
  }
  for (; i < count; i++) nulls += load<u32>(offsets + ((<usize>i) << 2)) >>> 31;
  return nulls;
}

/** The offsets without NULLs, to `out`, which has room for one more. @returns how many */
export function dense(offsets: usize, count: i32, out: usize): i32 {
  const start = out;
  for (let i = 0; i < count; i++) {
    const offset = load<i32>(offsets + ((<usize>i) << 2));
    store<i32>(out, offset);
    out += (<usize>(~offset >>> 31)) << 2;
  }
  return <i32>((out - start) >>> 2);
}

/** Definition levels of a flat column: 0 for a NULL, `present` for a value. */
export function definitions(offsets: usize, count: i32, out: usize, present: u32): void {
  for (let i = 0; i < count; i++) {
    store<u8>(out + i, load<i32>(offsets + ((<usize>i) << 2)) < 0 ? 0 : present);
  }
}
