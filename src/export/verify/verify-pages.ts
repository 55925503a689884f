import type { ColumnDigest } from '../../parquet-reader/column-digest.js';
import type { TextEncodingName } from '../../columns/value-digest.js';
import { mergeDigests } from '../../parquet-reader/column-digest.js';
import type { ColumnChunkFacts, FileSpan, ParquetFooter } from '../../parquet-reader/footer.js';
import type { StoredFile } from '../../storage/stored-file.js';
import type { ChunkTask } from './decoding/chunk-check.js';
import type { ChunkDecoders } from './decoding/chunk-decoders.js';
import type { Difference } from './difference.js';

export interface PagesOptions {
  readonly decoders: ChunkDecoders;
  /** The encoding in which texts are digested, to be compared with the source; undefined to digest nothing. */
  readonly digest: TextEncodingName | undefined;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

export interface VerifiedPages {
  readonly differences: readonly Difference[];
  /** By leaf of the schema, over all row groups. Undefined if not asked for; for a column that cannot be decoded, too. */
  readonly digests: readonly (ColumnDigest | undefined)[] | undefined;
}

/**
 * Decodes every page of a file, by hyparquet, and compares counts, NULLs and bounds with the statistics of its footer, its
 * page index and its Bloom filters.
 * @throws LakeportError if the store cannot be read
 */
export async function verifyPages(
  file: StoredFile,
  footer: ParquetFooter,
  { decoders, digest, signal, onBytes }: PagesOptions,
): Promise<VerifiedPages> {
  const differences: Difference[] = [];
  const digests: (ColumnDigest | undefined)[] = footer.columns.map(() => NOTHING);
  const tasks = footer.rowGroups.flatMap(({ rows, chunks }, group) =>
    chunks.map((chunk) => async () => {
      const read = async (): Promise<ChunkTask> => {
        signal.throwIfAborted();
        const { offset, compressedBytes } = chunk;
        const [bytes, columnIndex, offsetIndex, bloomFilter] = await Promise.all([
          file.read(offset, offset + compressedBytes),
          spanIn(file, chunk.columnIndex),
          spanIn(file, chunk.offsetIndex),
          spanIn(file, bloomFilterSpan(chunk, file)),
        ]);
        const { schema } = footer.metadata;
        return { bytes, chunk: withoutMore(chunk), rows, schema, digest, columnIndex, offsetIndex, bloomFilter };
      };
      const checked = await decoders.check(read);
      const where = `${chunk.column.path.join('.')}, row group ${group}`;
      for (const { check, expected, found } of checked.differences) {
        differences.push({ check, path: file.name, expected: `${where}: ${expected}`, found });
      }
      const leaf = footer.columns.indexOf(chunk.column);
      const [before, more] = [digests[leaf], checked.digest];
      digests[leaf] = before && more && mergeDigests(chunk.column.element, before, more);
      onBytes(chunk.compressedBytes);
    }),
  );
  await Promise.all(tasks.map((task) => task()));
  return { differences, digests: digest === undefined ? undefined : digests };
}

const NOTHING: ColumnDigest = { rows: 0, nulls: 0, sum: 0n, hash: 0n, min: undefined, max: undefined };

/** Filters are written with a header of a few bytes before them (parquet.thrift, `BloomFilterHeader`). */
const MOST_BLOOM_BYTES = 32 << 20;

function bloomFilterSpan({ bloomFilter }: ColumnChunkFacts, file: StoredFile): FileSpan | undefined {
  if (bloomFilter === undefined) return undefined;
  const { offset, length = Math.min(MOST_BLOOM_BYTES, file.bytes - offset) } = bloomFilter;
  return { offset, length };
}

/** In a damaged footer, it may lie outside of the file: nothing can then be decoded. */
async function spanIn(file: StoredFile, span: FileSpan | undefined): Promise<Uint8Array | undefined> {
  if (span === undefined) return undefined;
  const { offset, length } = span;
  const isInside = offset >= 0 && length > 0 && offset + length <= file.bytes;
  return isInside ? file.read(offset, offset + length) : new Uint8Array();
}

/** What is needed to decode it: of a file with thousands of row groups, the rest need not cross threads. */
function withoutMore(chunk: ColumnChunkFacts): ColumnChunkFacts {
  const { column, codec, encodings, values, compressedBytes, uncompressedBytes, offset, statistics } = chunk;
  const { hasPageIndex, hasBloomFilter } = chunk;
  return {
    ...{ column, codec, encodings, values, compressedBytes, uncompressedBytes, offset, statistics },
    ...{ hasPageIndex, hasBloomFilter },
  };
}
