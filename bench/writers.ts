import { parseArgs } from 'node:util';
import { captureCopy } from './copy-capture.js';
import { replayCopy } from './copy-replay.js';
import { openDatabase } from './database.js';
import { lineitemRequest } from './lineitem/request.js';
import { countLineitem, ensureLineitem } from './lineitem/table.js';
import { prepare as prepareHyparquet } from './writers/hyparquet-writer.js';
import { lineitemColumns } from './writers/lineitem-columns.js';
import { prepare as prepareWasm } from './writers/parquet-wasm.js';
import { prepare as prepareParquetjs } from './writers/parquetjs-lite.js';

/*
 * `npm run bench:writers -- [--rows N] [--url URL | --data DIR] [--runs N]`: Parquet writers on the same columns of
 * lineitem, Snappy, one thread. The others are given their columns ready in memory; lakeport is given the bytes of a
 * binary COPY, and decoding them counts. Times are processor seconds of this process.
 */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '300000' },
    url: { type: 'string' },
    data: { type: 'string' },
    runs: { type: 'string', default: '3' },
  },
});

const rows = Number(values.rows);
const database = await openDatabase(values);
try {
  await ensureLineitem(database.url, Math.max(rows, await countLineitem(database.url)), (line) => console.log(line));
  const request = await lineitemRequest(database.url);
  const chunks = await captureCopy(
    database.url,
    `COPY (${request.slice.query} LIMIT ${rows}) TO STDOUT (FORMAT binary)`,
  );
  console.log(
    `${rows.toLocaleString('en')} rows of ${request.columns.length} columns, Snappy, Node ${process.version}`,
  );
  await report('lakeport, with decoding', () => replayCopy(request, chunks, 'Snappy'));
  const columns = await lineitemColumns(database.url, rows);
  for (const [name, prepare] of [
    ['parquet-wasm', prepareWasm],
    ['hyparquet-writer', prepareHyparquet],
    ['parquetjs-lite', prepareParquetjs],
  ] as const) {
    const write = prepare(columns);
    await report(name, () => timed(write));
  }
} finally {
  await database.stop();
}

interface Written {
  readonly seconds: number;
  readonly bytes: number;
}

async function timed(write: () => number | Promise<number>): Promise<Written> {
  const start = process.cpuUsage();
  const bytes = await write();
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, bytes };
}

/** The median of the runs; the first one compiles and is left out. */
async function report(name: string, write: () => Promise<Written>): Promise<void> {
  await write();
  const runs: Written[] = [];
  for (let run = 0; run < Number(values.runs); run++) runs.push(await write());
  runs.sort((a, b) => a.seconds - b.seconds);
  const { seconds, bytes } = runs[Math.floor(runs.length / 2)] ?? { seconds: NaN, bytes: NaN };
  const rate = Math.round(rows / seconds).toLocaleString('en');
  console.log(
    `${name.padEnd(24)} ${seconds.toFixed(2).padStart(7)} s  ${rate.padStart(10)} rows/s  ${(bytes / 1e6).toFixed(1).padStart(7)} MB`,
  );
}
