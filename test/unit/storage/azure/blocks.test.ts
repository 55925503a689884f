import { describe, expect, it } from 'vitest';

import { blockId, blockIds, BlockSizes, MAX_BLOCKS } from '../../../../src/storage/azure/blocks.js';

const MIB = 1024 * 1024;
const TIB = MIB * MIB;

function blocksFor(bytes: number, sizes: BlockSizes): number {
  let blocks = 0;
  for (let left = bytes; left > 0; blocks++) left -= sizes.at(blocks);
  return blocks;
}

describe('sizes of blocks', () => {
  it('are those of the entry for files of ordinary size', () => {
    const sizes = new BlockSizes({ partSizeBytes: 8 * MIB });
    expect([sizes.at(0), sizes.at(9_999)]).toEqual([8 * MIB, 8 * MIB]);
  });

  it('grow, so that no blob that nobody foretold runs out of blocks before two terabytes', () => {
    expect(blocksFor(2 * TIB, new BlockSizes({ partSizeBytes: 8 * MIB }))).toBeLessThanOrEqual(MAX_BLOCKS);
    expect(blocksFor(0.01 * TIB, new BlockSizes({ partSizeBytes: 0.25 * MIB }))).toBeLessThanOrEqual(MAX_BLOCKS);
  });

  it('are larger from the start where a large blob is expected', () => {
    const sizes = new BlockSizes({ partSizeBytes: 8 * MIB, expectedBytes: TIB });
    expect(sizes.at(0)).toBe(21 * MIB);
    expect(blocksFor(TIB, sizes)).toBeLessThanOrEqual(MAX_BLOCKS);
  });

  it('never pass what one block can hold', () => {
    expect(new BlockSizes({ partSizeBytes: 2000 * MIB }).at(49_999)).toBe(4000 * MIB);
  });
});

describe('ids of blocks', () => {
  it('have one length, and differ', () => {
    const ids = blockIds('0123456789abcdef', 1_000);
    expect(new Set(ids).size).toBe(1_000);
    expect(new Set(ids.map((id) => id.length))).toEqual(new Set([44]));
    expect(blockId('0123456789abcdef', MAX_BLOCKS - 1)).toHaveLength(44);
  });
});
