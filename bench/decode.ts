import { parseArgs } from 'node:util';
import type { ColumnBuffer } from '../src/columns/column-buffer.js';
import type { RowSink } from '../src/columns/row-sink.js';
import { createColumnBuffers } from '../src/columns/create.js';
import type { Codec } from '../src/export/options.js';
import { ParquetFileWriter } from '../src/parquet/file-writer.js';
import { CopyChannel } from '../src/sources/postgres/copy/copy-channel.js';
import { CopyRead } from '../src/sources/postgres/copy/copy-read.js';
import { ReceiveBuffer } from '../src/sources/postgres/copy/receive-buffer.js';
import type { ReadRequest } from '../src/sources/source.js';
import { captureCopy } from './copy-capture.js';
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

/** What a read of the socket brings at the most. */
const READ_BYTES = 64 << 10;

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
    for (let run = 0; run <= Number(values.runs); run++) seconds.push(await measure(request, chunks, what));
    // The first one compiles.
    const median = seconds.slice(1).sort((a, b) => a - b)[Math.floor(Number(values.runs) / 2)] ?? NaN;
    const rate = Math.round(rows / median).toLocaleString('en');
    const label = what === 'decode' ? 'decoded into columns' : `to Parquet, ${what}`;
    console.log(`${label.padEnd(24)} ${median.toFixed(2)} s  ${rate.padStart(10)} rows/s`);
  }
} finally {
  await database.stop();
}

/** @returns processor seconds */
async function measure(request: ReadRequest, chunks: readonly Uint8Array[], what: Codec | 'decode'): Promise<number> {
  const specs = request.columns.map((column) => column.spec);
  const columns = createColumnBuffers(specs, { rowGroupRows: 1_000_000 });
  const sink: RowSink =
    what === 'decode'
      ? { columns, room: 100_000, commit: () => forget(columns) }
      : new ParquetFileWriter({
          output: { write: () => Promise.resolve() },
          columns,
          codec: what,
          rowGroupRows: 1_000_000,
        });
  const channel = new CopyChannel();
  const read = new CopyRead({ request, sink, channel });
  read.result.catch(() => undefined);
  const buffer = new ReceiveBuffer();
  const start = process.cpuUsage();
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += READ_BYTES) {
      buffer.append(chunk.subarray(at, at + READ_BYTES));
      let messageBytes = read.receive(buffer, () => undefined);
      while (typeof messageBytes !== 'number') {
        await messageBytes;
        messageBytes = read.receive(buffer, () => undefined);
      }
      if (read.holdsBytes && buffer.lacksRoom(messageBytes)) await read.release(buffer);
      if (!read.holdsBytes) buffer.makeRoom(messageBytes);
    }
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function forget(columns: readonly ColumnBuffer[]): undefined {
  for (const column of columns) column.clearPage();
}
