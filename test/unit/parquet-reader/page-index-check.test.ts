import { readFileSync } from 'node:fs';
import path from 'node:path';

import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { INT32, STRING } from '../../../src/columns/parquet-types.js';
import { crc32 } from '../../../src/parquet-reader/crc32.js';

import { pageFacts } from '../../../src/parquet-reader/page-facts.js';
import { type ChunkIndexes, indexProblems } from '../../../src/parquet-reader/page-index-check.js';
import { type ColumnChunkFacts, readFooter } from '../../../src/parquet-reader/footer.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';
import { writeParquet } from '../../harness/parquet-file.js';
import { ScratchDirectory } from '../../harness/scratch.js';

const scratch = new ScratchDirectory();
afterAll(() => scratch.remove());

interface Part {
  readonly about: Parameters<typeof indexProblems>[1];
  readonly indexes: ChunkIndexes;
}

async function partsOf(file: string): Promise<Part[]> {
  const content = readFileSync(file);
  const read = (start: number, end: number) => Promise.resolve(content.subarray(start, end));
  const footer = await readFooter({ name: 'x', bytes: content.length, read });
  return footer.rowGroups.flatMap(({ chunks }) =>
    chunks.map((chunk) => {
      const { offset, compressedBytes, columnIndex, offsetIndex, bloomFilter } = chunk;
      const cut = (span: { offset: number; length?: number | undefined } | undefined) =>
        span && Buffer.from(content.subarray(span.offset, span.offset + (span.length ?? 1 << 20)));
      const bytes = content.subarray(offset, offset + compressedBytes);
      const facts = pageFacts(bytes, chunk, { schema: footer.metadata.schema, digest: undefined });
      return {
        about: { facts, element: chunk.column.element, start: offset },
        indexes: { columnIndex: cut(columnIndex), offsetIndex: cut(offsetIndex), bloomFilter: cut(bloomFilter) },
      };
    }),
  );
}

describe('the page index and the Bloom filter of a file', () => {
  let parts: Part[] = [];
  beforeAll(async () => {
    const file = path.join(scratch.path, 'x.parquet');
    const values = <T>(make: (i: number) => T) => Array.from({ length: 140_000 }, (_, i) => make(i));
    const kernels = kernelsOf(KERNEL_BUILDS[0]!);
    await writeParquet(
      file,
      {
        i: {
          type: INT32,
          nullable: true,
          bloomFilter: 0.01,
          values: values((i) => (i % 7 ? (i * 7919) % 140_000 : null)),
        },
        t: { type: STRING, bloomFilter: 0.01, values: values((i) => `text ${i % 900}`) },
      },
      { kernels },
    );
    parts = await partsOf(file);
  });

  it('is there, of more than one page', () => {
    for (const { about, indexes } of parts) {
      expect(about.facts.pages.length).toBeGreaterThan(1);
      expect(Object.values(indexes)).not.toContain(undefined);
    }
  });

  it('says what the pages hold', () => {
    for (const { about, indexes } of parts) expect(indexProblems(indexes, about)).toEqual([]);
  });

  it.each(['columnIndex', 'offsetIndex'] as const)('a flipped byte in its %s is found', (index) => {
    for (const { about, indexes } of parts) {
      const whole = indexes[index]!;
      const unnoticed = Array.from(whole.keys()).filter((at) => {
        const damaged = Buffer.from(whole);
        damaged[at] = damaged[at]! ^ 0x04;
        return indexProblems({ ...indexes, [index]: damaged }, about).length === 0;
      });
      // Of the order of the pages' bounds, which readers may use and need not.
      expect(unnoticed.length).toBeLessThan(10);
    }
  });

  it('a Bloom filter without one of the values is found', () => {
    for (const { about, indexes } of parts) {
      const damaged = Buffer.from(indexes.bloomFilter!);
      damaged.fill(0, 20, 200);
      expect(indexProblems({ ...indexes, bloomFilter: damaged }, about)).toMatchObject([
        { index: 'bloom_filter', expected: 'every value', found: expect.stringMatching(/^not /) as string },
      ]);
    }
  });
});

it('a page whose CRC is not that of its bytes cannot be decoded', () => {
  const body = new Uint8Array(Int32Array.of(1, 2, 3).buffer);
  const page = (crc: number) => {
    const header = new ByteWriter();
    writePageHeader(header, {
      type: 'DATA_PAGE',
      ...{ uncompressed_page_size: body.length, compressed_page_size: body.length, crc },
      data_page_header: {
        ...{ num_values: 3, encoding: 'PLAIN' },
        ...{ definition_level_encoding: 'RLE', repetition_level_encoding: 'RLE' },
      },
    });
    return Buffer.concat([header.getBytes(), body]);
  };
  const element = { name: 'v', type: 'INT32', repetition_type: 'REQUIRED' } as const;
  const chunk: ColumnChunkFacts = {
    column: { path: ['v'], element },
    ...{ codec: 'UNCOMPRESSED', encodings: [], values: 3, compressedBytes: 0, uncompressedBytes: 0, offset: 4 },
    ...{ statistics: undefined, hasPageIndex: false, hasBloomFilter: false },
  };
  const schema = [{ name: 'root', num_children: 1 }, element];
  const crc = crc32(body) | 0;
  expect(pageFacts(page(crc), chunk, { schema, digest: 'utf-8' })).toMatchObject({
    min: 1,
    max: 3,
    digest: { sum: 6n },
  });
  expect(() => pageFacts(page(crc ^ 1), chunk, { schema, digest: 'utf-8' })).toThrow(/CRC/);
});
