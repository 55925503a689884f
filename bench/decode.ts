import { parseArgs } from 'node:util';
import { captureCopy } from './copy-capture.js';
import { replayCopy } from './copy-replay.js';
import { openDatabase } from './database.js';
import { lineitemRequest } from './lineitem/request.js';
import { countLineitem, ensureLineitem } from './lineitem/table.js';

/*
 * `npm run bench:decode -- [--rows N] [--url URL | --data DIR] [--runs N]`: one reader's decoding and encoding alone.
 * The bytes of a binary COPY are captured once, then run through the reader's own code into Parquet bytes that are
 * thrown away: no socket, no server, no disk. Times are processor seconds of this thread's process.
 */

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1500000' },
    url: { type: 'string' },
    data: { type: 'string' },
    runs: { type: 'string', default: '5' },
  },
});

const database = await openDatabase(values);
try {
  const rows = Number(values.rows);
  await ensureLineitem(database.url, Math.max(rows, await countLineitem(database.url)), (line) => console.log(line));
  const request = await lineitemRequest(database.url);
  const chunks = await captureCopy(
    database.url,
    `COPY (${request.slice.query} LIMIT ${rows}) TO STDOUT (FORMAT binary)`,
  );
  const bytes = chunks.reduce((total, chunk) => total + chunk.length, 0);
  console.log(`${rows.toLocaleString('en')} rows, ${(bytes / 1e6).toFixed(0)} MB of COPY`);
  for (const what of ['decode', 'None', 'Snappy', 'Zstd'] as const) {
    const seconds: number[] = [];
    for (let run = 0; run <= Number(values.runs); run++)
      seconds.push((await replayCopy(request, chunks, what)).seconds);
    // The first one compiles.
    const median = seconds.slice(1).sort((a, b) => a - b)[Math.floor(Number(values.runs) / 2)] ?? NaN;
    const rate = Math.round(rows / median).toLocaleString('en');
    const label = what === 'decode' ? 'decoded into columns' : `to Parquet, ${what}`;
    console.log(`${label.padEnd(24)} ${median.toFixed(2)} s  ${rate.padStart(10)} rows/s`);
  }
} finally {
  await database.stop();
}
