import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createCompressor } from '../../../src/parquet/codec.js';
import { COMPRESSION_LEVELS, levelProblem } from '../../../src/parquet/file-options.js';

/** Compresses well, but not with little effort. */
const PAGE = Uint8Array.from({ length: 1 << 15 }, (_, i) => ((i * i) >>> 7) & (i >>> 9));

describe('compression levels', () => {
  it.each(['Zstd', 'Gzip'] as const)('%s compresses harder at a high level than at its lowest', (codec) => {
    const { least, most } = COMPRESSION_LEVELS[codec]!;
    const size = (level: number) => createCompressor(codec, level).compress(PAGE).length;
    expect(size(Math.min(most, 12))).toBeLessThan(size(least));
  });

  it('a level changes nothing about the content', () => {
    expect(gunzipSync(createCompressor('Gzip', 9).compress(PAGE)).equals(PAGE)).toBe(true);
  });

  it.each([
    ['Zstd', 22, undefined],
    ['Zstd', 23, 'Zstd has the compression levels 1 to 22, not 23'],
    ['Gzip', 10, 'Gzip has the compression levels 1 to 9, not 10'],
    ['Gzip', 1.5, 'Gzip has the compression levels 1 to 9, not 1.5'],
    ['Snappy', 1, 'Snappy has no compression levels; Zstd (1 to 22) and Gzip (1 to 9) do'],
    ['Lz4', undefined, undefined],
  ] as const)('%s with level %s: %s', (codec, compressionLevel, problem) => {
    expect(levelProblem({ codec, compressionLevel })).toBe(problem);
  });
});
