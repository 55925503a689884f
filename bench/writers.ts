import { parseArgs } from 'node:util';
import { lineitemColumns } from './writers/columns.js';
import { writeWithLakeport } from './writers/lakeport.js';
import { writeWithHyparquetWriter, writeWithParquetjsLite, writeWithParquetWasm } from './writers/peers.js';

/*
 * `npm run bench:writers -- [--rows N] [--runs N]`: writers of Parquet for Node on the same lineitem columns, which lie
 * in memory, to bytes that are thrown away; Snappy, one thread. Each writer once a round.
 */

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '200000' }, runs: { type: 'string', default: '3' } },
});

const WRITERS = [
  ['lakeport', writeWithLakeport],
  ['parquet-wasm', writeWithParquetWasm],
  ['hyparquet-writer', writeWithHyparquetWriter],
  ['parquetjs-lite', writeWithParquetjsLite],
] as const;

const table = lineitemColumns(Number(values.rows));
const seconds = WRITERS.map((): number[] => []);
const sizes = WRITERS.map(() => 0);
// The first round compiles, and is not counted.
for (let round = 0; round <= Number(values.runs); round++) {
  for (const [i, [, write]] of WRITERS.entries()) {
    const start = performance.now();
    sizes[i] = await write(table);
    if (round > 0) seconds[i]?.push((performance.now() - start) / 1000);
  }
}

const medians = seconds.map((runs) => [...runs].sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? NaN);
console.log(`${table.rows.toLocaleString('en')} rows, Node ${process.version}`);
console.log(`${''.padEnd(18)}${['SECONDS', 'ROWS/S', '× LAKEPORT', 'MB'].map((cell) => cell.padStart(12)).join('')}`);
WRITERS.forEach(([name], i) => {
  const median = medians[i] ?? NaN;
  const cells = [
    median.toFixed(2),
    Math.round(table.rows / median).toLocaleString('en'),
    (median / (medians[0] ?? NaN)).toFixed(1),
    ((sizes[i] ?? 0) / 1e6).toFixed(1),
  ];
  console.log(name.padEnd(18) + cells.map((cell) => cell.padStart(12)).join(''));
});
