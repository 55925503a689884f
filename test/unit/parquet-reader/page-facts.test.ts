import { readFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, expect, it } from 'vitest';

import { type ColumnChunkFacts, type ParquetFooter, readFooter } from '../../../src/parquet-reader/footer.js';
import { pageFacts } from '../../../src/parquet-reader/page-facts.js';
import { plainValue } from '../../../src/parquet-reader/stored-value.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../harness/scratch.js';

const scratch = new ScratchDirectory();
afterAll(() => scratch.remove());

async function written(select: string): Promise<{ content: Buffer; footer: ParquetFooter }> {
  const file = path.join(scratch.path, 'x.parquet');
  await queryDuckDb(`COPY (${select}) TO ${quote(file)} (FORMAT parquet, ROW_GROUP_SIZE 4096); SELECT 1`);
  const content = readFileSync(file);
  const read = (start: number, end: number) => Promise.resolve(content.subarray(start, end));
  return { content, footer: await readFooter({ name: 'x', bytes: content.length, read }) };
}

const chunkBytes = (content: Buffer, chunk: ColumnChunkFacts) =>
  content.subarray(chunk.offset, chunk.offset + chunk.compressedBytes);

it('counts, NULLs and bounds of all pages are those of the statistics', async () => {
  const { content, footer } =
    await written(`SELECT i::INT AS a, CASE WHEN i % 5 > 0 THEN i END AS b, 'text ' || (i % 9) AS c,
    md5(i::VARCHAR) AS d, (i - 5000)::DECIMAL(9,2) AS e, (i - 9)::HUGEINT::DECIMAL(38,0) AS f, i / 3 AS g, i % 2 = 0 AS h,
    i::UINTEGER AS u, DATE '2000-01-01' + i::INT AS day, [i, NULL] AS list FROM range(10000) r(i)`);
  for (const group of footer.rowGroups) {
    for (const chunk of group.chunks) {
      const { statistics, column } = chunk;
      const facts = pageFacts(chunkBytes(content, chunk), chunk, { schema: footer.metadata.schema, digest: undefined });
      expect(facts).toMatchObject({ rows: group.rows, values: chunk.values });
      if (statistics?.nulls !== undefined && column.path[0] !== 'list') expect(facts.nulls).toBe(statistics.nulls);
      if (statistics?.min !== undefined && statistics.isMinExact) {
        expect(facts.min, column.path.join('.')).toEqual(plainValue(column.element, statistics.min));
      }
      if (statistics?.max !== undefined && statistics.isMaxExact) {
        expect(facts.max, column.path.join('.')).toEqual(plainValue(column.element, statistics.max));
      }
    }
  }
});

it('NaN is no bound, and NULLs alone have none', async () => {
  const { content, footer } = await written(
    `SELECT CASE WHEN i % 2 = 0 THEN 'NaN'::DOUBLE ELSE i END AS v, NULL::INT AS n FROM range(100) r(i)`,
  );
  const [v, n] = footer.rowGroups[0]!.chunks;
  expect(pageFacts(chunkBytes(content, v!), v!, { schema: footer.metadata.schema, digest: undefined })).toMatchObject({
    nulls: 0,
    min: 1,
    max: 99,
  });
  expect(pageFacts(chunkBytes(content, n!), n!, { schema: footer.metadata.schema, digest: undefined })).toEqual({
    ...{ rows: 100, values: 100, nulls: 100 },
    ...{
      min: undefined,
      max: undefined,
      digest: undefined,
      some: [],
      pages: [expect.objectContaining({ nulls: 100 })],
    },
  });
});

it('a page that cannot be decoded is an error', async () => {
  const { content, footer } = await written('SELECT md5(i::VARCHAR) AS d FROM range(2000) r(i)');
  const [chunk] = footer.rowGroups[0]!.chunks;
  const bytes = Buffer.from(chunkBytes(content, chunk!));
  expect(() =>
    pageFacts(bytes.subarray(0, bytes.length - 10), chunk!, { schema: footer.metadata.schema, digest: undefined }),
  ).toThrow();
  expect(() =>
    pageFacts(bytes.fill(0xff, 40, 400), chunk!, { schema: footer.metadata.schema, digest: undefined }),
  ).toThrow();
});
