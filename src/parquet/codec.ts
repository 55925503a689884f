import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import type * as Lz4 from 'lz4-napi';
import type * as Snappy from 'snappy';
import type * as Zstd from '@toondepauw/node-zstd';

/** Page compression, by the names used on the command line. */
export type Codec = 'Zstd' | 'Snappy' | 'Gzip' | 'Lz4' | 'None';

/** Compresses one page. */
export interface PageCompressor {
  readonly parquetName: CompressionCodec;
  /** The caller owns the result; it never shares memory with `page`. */
  compress(page: Uint8Array): Uint8Array;
}

// The packages are CommonJS and load a native library, so only the requested one is loaded.
const require = createRequire(import.meta.url);

/** The default level of the zstd tool and of DuckDB. */
const ZSTD_LEVEL = 3;

/** @param level within the codec's levels; its usual one by default */
export function createCompressor(codec: Codec, level?: number): PageCompressor {
  switch (codec) {
    case 'Zstd':
      return { parquetName: 'ZSTD', compress: createZstd(level) };
    case 'Snappy':
      return { parquetName: 'SNAPPY', compress: createSnappy() };
    case 'Gzip':
      return { parquetName: 'GZIP', compress: (page) => zlib.gzipSync(page, { level }) };
    case 'Lz4':
      return { parquetName: 'LZ4_RAW', compress: createLz4() };
    case 'None':
      return { parquetName: 'UNCOMPRESSED', compress: (page) => page.slice() };
    default:
      return codec satisfies never;
  }
}

function createSnappy(): (page: Uint8Array) => Uint8Array {
  const { compressSync } = require('snappy') as typeof Snappy; // the module's own types
  // Copied: measured three times as fast as a buffer that wraps the library's memory.
  return (page) => compressSync(page, { copyOutputData: true });
}

function createLz4(): (page: Uint8Array) => Uint8Array {
  const { compressSync } = require('lz4-napi') as typeof Lz4; // the module's own types
  // The library prepends the size in 4 bytes; LZ4_RAW is the bare block.
  return (page) => compressSync(asBuffer(page)).subarray(4);
}

function createZstd(level = ZSTD_LEVEL): (page: Uint8Array) => Uint8Array {
  const builtIn = zstdOfNode(level);
  if (builtIn !== undefined) return builtIn;
  // The package asks Node's report for the C library; it would also look up the names of all connected addresses.
  Object.assign(process.report, { excludeNetwork: true });
  const { Encoder } = require('@toondepauw/node-zstd') as typeof Zstd; // the module's own types
  const encoder = new Encoder(level);
  return (page) => encoder.encodeSync(asBuffer(page));
}

/** Node has zstd from 22.15 on; the types of Node 20 do not know it. */
function zstdOfNode(level: number): ((page: Uint8Array) => Uint8Array) | undefined {
  if (!('zstdCompressSync' in zlib) || typeof zlib.zstdCompressSync !== 'function') return undefined;
  const compress = zlib.zstdCompressSync as (page: Uint8Array, options: object) => Uint8Array; // zlib's documented form
  const constants = zlib.constants as unknown as Record<string, number>; // has ZSTD_c_compressionLevel where there is zstd
  const options = { params: { [constants['ZSTD_c_compressionLevel'] ?? 100]: level } };
  if (level === ZSTD_LEVEL) return (page) => compress(page, options);
  // High levels would reserve memory for pages of any size.
  return (page) => compress(page, { ...options, pledgedSrcSize: page.length });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
