import { describe, expect, it } from 'vitest';

import { drop, PieceQueue } from '../../../../src/storage/http/byte-queue.js';

const bytes = (...values: number[]) => Uint8Array.from(values);
const joined = (pieces: readonly Uint8Array[]) => [...Buffer.concat(pieces)];

describe('a queue of pieces', () => {
  it('gives back the bytes in their order, cut anew', () => {
    const queue = new PieceQueue();
    queue.push([bytes(1, 2, 3), bytes(), bytes(4)]);
    queue.push([bytes(5, 6)]);
    expect(queue.bytes).toBe(6);
    expect(joined(queue.take(2))).toEqual([1, 2]);
    expect(joined(queue.take(3))).toEqual([3, 4, 5]);
    expect(queue.bytes).toBe(1);
    expect(joined(queue.take(100))).toEqual([6]);
    expect(queue.take(1)).toEqual([]);
    expect(queue.bytes).toBe(0);
  });

  it('copies nothing', () => {
    const piece = bytes(1, 2, 3, 4);
    const queue = new PieceQueue();
    queue.push([piece]);
    expect(queue.take(2)[0]?.buffer).toBe(piece.buffer);
  });
});

describe('dropping bytes', () => {
  it.each([
    [0, [1, 2, 3, 4]],
    [1, [2, 3, 4]],
    [2, [3, 4]],
    [3, [4]],
    [4, []],
    [9, []],
  ])('leaves out the first %d', (count, left) => {
    expect(joined(drop([bytes(1, 2), bytes(3), bytes(4)], count))).toEqual(left);
  });
});
