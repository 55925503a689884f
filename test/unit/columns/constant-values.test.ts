import { expect, test } from 'vitest';
import type { ColumnSpec } from '../../../src/columns/column-spec.js';
import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import { constantValues } from '../../../src/columns/constant-values.js';
import { INT64, STRING } from '../../../src/columns/parquet-types.js';
import { ParquetFileWriter } from '../../../src/parquet/file-writer.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import path from 'node:path';
import { writeFileSync } from 'node:fs';

const spec = (name: string, type: ColumnSpec['type'], fieldId: number): ColumnSpec => ({
  ...{ name, type, fieldId, nullable: false, list: false, sourceType: '', fidelity: 'exact' },
});

test.each([1, 3, 300_000])('a constant is one entry of a dictionary, read back by DuckDB in %i rows', async (rows) => {
  const scratch = new ScratchDirectory();
  const buffers = createColumnBuffers([spec('text', STRING, 1), spec('number', INT64, 2)], { rowGroupRows: 200_000 });
  const [text, number] = buffers.map((buffer, i) => constantValues(buffer, ['it\'s ü; "$$', '-1234567890123456'][i]!));
  const chunks: Uint8Array[] = [];
  const output = {
    write: (some: readonly Uint8Array[]) => Promise.resolve(void chunks.push(...some.map((one) => one.slice()))),
  };
  const writer = new ParquetFileWriter({ output, columns: buffers, files: { codec: 'None', rowGroupRows: 200_000 } });
  for (let left = rows; left > 0;) {
    const batch = Math.min(left, writer.room, 7000);
    text!.append(batch);
    number!.append(batch);
    await writer.commit(batch);
    left -= batch;
  }
  await writer.finish();
  const file = path.join(scratch.path, 'a.parquet');
  writeFileSync(file, Buffer.concat(chunks));
  const found = await queryDuckDb(
    `SELECT text, number::VARCHAR AS number, count(*)::INT AS n FROM read_parquet(${quote(file)}) GROUP BY ALL`,
  );
  expect(found).toEqual([{ text: 'it\'s ü; "$$', number: '-1234567890123456', n: rows }]);
  if (rows > 3) expect(Buffer.concat(chunks).length).toBeLessThan(6000);
  scratch.remove();
});
