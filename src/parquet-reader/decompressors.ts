import { createRequire } from 'node:module';
import zlib from 'node:zlib';

import type * as Zstd from '@toondepauw/node-zstd';
import type { Compressors } from 'hyparquet';
import type * as Lz4 from 'lz4-napi';
import type * as Snappy from 'snappy';

// The packages are CommonJS and load a native library, so only the needed one is loaded.
const require = createRequire(import.meta.url);

type Decompress = (page: Uint8Array, length: number) => Uint8Array;

/** Decompression of pages, for hyparquet, whose own of Snappy is slower. LZO, which nothing writes any more, is missing. */
export function decompressors(): Compressors {
  return {
    SNAPPY: loadedOnce(loadSnappy),
    GZIP: (page, length) => zlib.gunzipSync(page, { maxOutputLength: Math.max(1, length) }),
    BROTLI: (page, length) => zlib.brotliDecompressSync(page, { maxOutputLength: Math.max(1, length) }),
    ZSTD: loadedOnce(loadZstd),
    LZ4_RAW: loadedOnce(loadLz4),
    LZ4: loadedOnce(() => hadoopFrames(loadLz4())),
  };
}

function loadedOnce(load: () => Decompress): Decompress {
  let loaded: Decompress | undefined;
  return (page, length) => (loaded ??= load())(page, length);
}

function loadSnappy(): Decompress {
  const { uncompressSync } = require('snappy') as typeof Snappy; // the module's own types
  // Copied: faster than a buffer that wraps the library's memory, as for compression.
  return (page) => uncompressSync(page, { asBuffer: true, copyOutputData: true }) as Buffer; // as asked for
}

/** Node has zstd from 22.15 on; the types of Node 20 do not know it. */
function loadZstd(): Decompress {
  if ('zstdDecompressSync' in zlib && typeof zlib.zstdDecompressSync === 'function') {
    return zlib.zstdDecompressSync as Decompress; // zlib's documented form
  }
  const { Decoder } = require('@toondepauw/node-zstd') as typeof Zstd; // the module's own types
  const decoder = new Decoder();
  return (page) => decoder.decodeSync(Buffer.from(page.buffer, page.byteOffset, page.byteLength));
}

/** The library wants the size in 4 bytes before the bare block. */
function loadLz4(): Decompress {
  const { uncompressSync } = require('lz4-napi') as typeof Lz4; // the module's own types
  return (page, length) => {
    const sized = Buffer.allocUnsafe(page.length + 4);
    sized.writeUInt32LE(length);
    sized.set(page, 4);
    return uncompressSync(sized);
  };
}

/** Sizes of a block before it, decompressed and compressed, big-endian. */
const FRAME_HEADER = 8;

/** The deprecated codec LZ4: blocks in Hadoop's frames, or, as some writers had it, a bare block. */
function hadoopFrames(decompress: Decompress): Decompress {
  return (page, length) => {
    const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
    const blocks: Uint8Array[] = [];
    let produced = 0;
    for (let at = 0; at < bytes.length;) {
      if (at + FRAME_HEADER > bytes.length) return decompress(page, length);
      const [blockLength, frameLength] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
      at += FRAME_HEADER;
      produced += blockLength;
      if (produced > length || at + frameLength > bytes.length) return decompress(page, length);
      blocks.push(decompress(bytes.subarray(at, at + frameLength), blockLength));
      at += frameLength;
    }
    return Buffer.concat(blocks);
  };
}
