import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { wholeTable } from '../../../src/model/dataset.js';
import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import { ParquetFileWriter } from '../../../src/parquet/file-writer.js';
import { openMssqlReader } from '../../../src/sources/mssql/reader.js';
import type { MssqlSettings } from '../../../src/sources/mssql/connection/settings.js';
import { mapType } from '../../../src/sources/mssql/columns/types.js';
import type { ReadColumn, ReadRequest, ReadResult, SliceReader, Snapshot } from '../../../src/sources/source.js';
import type { WireColumn } from './result-set.js';
import type { TdsServer } from './server.js';
import { parseDeclaredType } from './types/wire-type.js';

export const NO_SNAPSHOT: Snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt: '' };

export function settingsOf(server: TdsServer, overrides: Partial<MssqlSettings> = {}): MssqlSettings {
  const { host, port, user, password } = server;
  return {
    entryId: 'test',
    server: host,
    port,
    instance: undefined,
    database: 'shop',
    authentication: { type: 'default', options: { userName: user, password } },
    encrypt: false,
    trustServerCertificate: false,
    authorities: [],
    readOnlyIntent: false,
    multiSubnetFailover: false,
    connectTimeoutMs: 5000,
    statementTimeoutMs: undefined,
    lockTimeoutMs: 1000,
    ...overrides,
  };
}

export function openReader(
  server: TdsServer,
  options: { readonly settings?: Partial<MssqlSettings>; readonly snapshot?: Snapshot } = {},
): Promise<SliceReader> {
  const connection = settingsOf(server, options.settings);
  return openMssqlReader({ engine: 'mssql', connection }, options.snapshot ?? NO_SNAPSHOT);
}

/** What the planner would make of columns that are declared so. */
export function readColumns(
  columns: readonly WireColumn[],
  options: { readonly timestampUnit?: 'us' | 'ns'; readonly compat?: 'spark'; readonly nullable?: boolean } = {},
): ReadColumn[] {
  return columns.map(({ name, type: sourceType, nullable = true }, i) => {
    const { name: typeName, arguments: given } = parseDeclaredType(sourceType);
    const isDecimal = typeName === 'decimal' || typeName === 'numeric';
    const { type, decoder, fidelity, expression } = mapType(
      {
        name: typeName,
        precision: isDecimal ? (given[0] ?? 18) : 0,
        scale: isDecimal ? (given[1] ?? 0) : (given[0] ?? 7),
        isAssembly: false,
      },
      {
        timestampUnit: options.timestampUnit ?? 'us',
        styles: { allDigits: true, hexadecimal: true },
        compat: options.compat,
      },
    );
    return {
      spec: { name, fieldId: i + 1, nullable: options.nullable ?? nullable, list: false, type, sourceType, fidelity },
      expression: expression(`[${name}]`),
      decoder,
    };
  });
}

/** The request of the whole of `dbo.t`. */
export function readRequest(columns: readonly ReadColumn[], overrides: Partial<ReadRequest> = {}): ReadRequest {
  const list = columns.map(({ expression }) => expression).join(', ');
  return {
    dataset: wholeTable({ schema: 'dbo', name: 't' }),
    columns,
    slice: {
      index: 0,
      method: 'None',
      bounds: 'all rows',
      query: `SELECT ${list} FROM [dbo].[t]`,
      estimatedRows: undefined,
    },
    onUnrepresentable: 'error',
    ...overrides,
  };
}

/** A read in a file. */
export class ParquetRead implements AsyncDisposable {
  readonly result: ReadResult;
  readonly file: string;

  constructor(result: ReadResult, file: string) {
    this.result = result;
    this.file = file;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(path.dirname(this.file), { recursive: true, force: true });
  }
}

/** Reads into a Parquet file, as a worker does. */
export async function readToParquet(
  reader: SliceReader,
  request: ReadRequest,
  options: { readonly rowGroupRows?: number; readonly signal?: AbortSignal } = {},
): Promise<ParquetRead> {
  const { rowGroupRows = 1_000_000, signal = new AbortController().signal } = options;
  const file = path.join(await mkdtemp(path.join(tmpdir(), 'lakeport-test-')), 't.parquet');
  const handle = await open(file, 'w');
  try {
    const columns = createColumnBuffers(
      request.columns.map(({ spec }) => spec),
      { rowGroupRows },
    );
    const writer = new ParquetFileWriter({
      output: new HandleOutput(handle),
      columns,
      files: { codec: 'Snappy', rowGroupRows },
    });
    const result = await reader.read(request, writer, signal);
    await writer.finish();
    return new ParquetRead(result, file);
  } finally {
    await handle.close();
  }
}

class HandleOutput {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) await this.#handle.write(chunk);
  }
}
