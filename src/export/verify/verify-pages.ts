import type { ChunkStatistics } from '../../parquet-reader/footer-statistics.js';
import type { ColumnChunkFacts, ParquetFooter } from '../../parquet-reader/footer.js';
import { type PageFacts, pageFacts } from '../../parquet-reader/page-facts.js';
import { shownValue } from '../../parquet-reader/shown-value.js';
import { compareStored, plainValue, type StoredValue } from '../../parquet-reader/stored-value.js';
import type { StoredFile } from '../../storage/stored-file.js';
import type { Check, Difference } from './difference.js';

/**
 * Decodes every page of a file, by hyparquet, and compares counts, NULLs and bounds with the statistics of its footer.
 * @throws LakeportError if the store cannot be read
 */
export async function verifyPages(
  file: StoredFile,
  footer: ParquetFooter,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes: (bytes: number) => void },
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [index, group] of footer.rowGroups.entries()) {
    for (const chunk of group.chunks) {
      signal.throwIfAborted();
      const bytes = await file.read(chunk.offset, chunk.offset + chunk.compressedBytes);
      const where = `${chunk.column.path.join('.')}, row group ${index}`;
      const compare: Compare = (check, expected, found) => {
        if (expected === found) return;
        differences.push({
          check,
          path: file.name,
          expected: `${where}: ${expected}`,
          found: typeof found === 'string' ? found : String(found),
        });
      };
      const pages = decoded(bytes, chunk, footer);
      if ('problem' in pages) compare('pages', 'pages that can be decoded', pages.problem);
      else compareChunk(chunk, { pages, rows: group.rows, compare });
      onBytes(bytes.length);
    }
  }
  return differences;
}

type Compare = (check: Check, expected: string | number, found: string | number) => void;

function decoded(
  bytes: Uint8Array,
  chunk: ColumnChunkFacts,
  footer: ParquetFooter,
): PageFacts | { readonly problem: string } {
  try {
    return pageFacts(bytes, chunk, footer);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function compareChunk(
  chunk: ColumnChunkFacts,
  { pages, rows, compare }: { readonly pages: PageFacts; readonly rows: number; readonly compare: Compare },
): void {
  compare('rows', rows, pages.rows);
  compare('values', chunk.values, pages.values);
  const { statistics } = chunk;
  if (statistics === undefined) return;
  if (statistics.nulls !== undefined) compare('nulls', statistics.nulls, pages.nulls);
  compareBound('min', { chunk, statistics, value: pages.min, compare });
  compareBound('max', { chunk, statistics, value: pages.max, compare });
}

/** A shortened bound may lie below the smallest, or above the largest value. */
function compareBound(
  side: 'min' | 'max',
  {
    chunk,
    statistics,
    value,
    compare,
  }: {
    readonly chunk: ColumnChunkFacts;
    readonly statistics: ChunkStatistics;
    readonly value: StoredValue | undefined;
    readonly compare: Compare;
  },
): void {
  const { element } = chunk.column;
  const bytes = statistics[side];
  // The order of INT96 is not defined (parquet.thrift, `ColumnOrder`).
  if (bytes === undefined || element.type === 'INT96') return;
  const bound = plainValue(element, bytes);
  const text = (shown: StoredValue | undefined) =>
    shown === undefined ? 'none' : JSON.stringify(shownValue(element, shown));
  if (bound === undefined || value === undefined) {
    compare(side, bound === undefined ? `0x${Buffer.from(bytes).toString('hex')}` : text(bound), text(value));
    return;
  }
  const order = compareStored(element, bound, value);
  const isExact = side === 'min' ? statistics.isMinExact : statistics.isMaxExact;
  const holds = order === 0 || (!isExact && (side === 'min' ? order < 0 : order > 0));
  if (!holds) compare(side, text(bound), text(value));
}
