import type { ColumnBuffer } from '../src/columns/column-buffer.js';
import type { RowSink } from '../src/columns/row-sink.js';
import { createColumnBuffers } from '../src/columns/column-buffers.js';
import type { Codec } from '../src/parquet/codec.js';
import { ParquetFileWriter } from '../src/parquet/file-writer.js';
import { CopyChannel } from '../src/sources/postgres/copy/copy-channel.js';
import { CopyRead } from '../src/sources/postgres/copy/copy-read.js';
import { ReceiveBuffer } from '../src/sources/postgres/copy/receive-buffer.js';
import type { ReadRequest } from '../src/sources/source.js';

/** Maximum bytes of a socket read. */
const READ_BYTES = 64 << 10;
const ROW_GROUP_ROWS = 1_000_000;

export interface Replayed {
  /** Processor seconds of this process. */
  readonly seconds: number;
  /** Bytes of the Parquet file; 0 if the rows were only decoded. */
  readonly bytes: number;
}

/** Runs the bytes of a COPY through the reader's own code, into columns or a discarded Parquet file. */
export async function replayCopy(
  request: ReadRequest,
  chunks: readonly Uint8Array[],
  what: Codec | 'decode',
): Promise<Replayed> {
  const specs = request.columns.map((column) => column.spec);
  const columns = createColumnBuffers(specs, { rowGroupRows: ROW_GROUP_ROWS });
  const file = what === 'decode' ? undefined : parquetFile(columns, what);
  const sink: RowSink = file ?? { columns, room: 100_000, commit: () => forget(columns) };
  const channel = new CopyChannel();
  const read = new CopyRead({ request, sink, channel, releasesLocks: false });
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
  const summary = await file?.finish();
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, bytes: summary?.bytes ?? 0 };
}

function parquetFile(columns: readonly ColumnBuffer[], codec: Codec): ParquetFileWriter {
  const output = { write: () => Promise.resolve() };
  return new ParquetFileWriter({ output, columns, files: { codec, rowGroupRows: ROW_GROUP_ROWS } });
}

function forget(columns: readonly ColumnBuffer[]): undefined {
  for (const column of columns) column.clearPage();
}
