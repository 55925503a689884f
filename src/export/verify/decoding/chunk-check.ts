import type { SchemaElement } from 'hyparquet';

import type { TextEncodingName } from '../../../columns/value-digest.js';
import type { ColumnDigest } from '../../../parquet-reader/column-digest.js';
import type { ChunkStatistics } from '../../../parquet-reader/footer-statistics.js';
import type { ColumnChunkFacts } from '../../../parquet-reader/footer.js';
import { type PageFacts, pageFacts } from '../../../parquet-reader/page-facts.js';
import { type ChunkIndexes, indexProblems } from '../../../parquet-reader/page-index-check.js';
import { shownText } from '../../../parquet-reader/shown-value.js';
import { plainValue, type StoredValue } from '../../../parquet-reader/stored-value.js';
import { isBound } from '../../../parquet-reader/value-bounds.js';
import type { Check } from '../difference.js';

/** A column chunk to decode. Plain data: it crosses threads. */
export interface ChunkTask extends ChunkIndexes {
  readonly bytes: Uint8Array;
  readonly chunk: ColumnChunkFacts;
  /** Rows of its row group. */
  readonly rows: number;
  /** Of the footer's metadata. */
  readonly schema: readonly SchemaElement[];
  /** The encoding in which texts are digested, to be compared with the source; undefined to digest nothing. */
  readonly digest: TextEncodingName | undefined;
}

/** What differs between a chunk and what its file says of it. */
export interface CheckedChunk {
  readonly differences: readonly ChunkDifference[];
  /** If it was asked for, and the chunk can be decoded. */
  readonly digest: ColumnDigest | undefined;
}

interface ChunkDifference {
  readonly check: Check;
  readonly expected: string;
  readonly found: string;
}

/** Decodes a column chunk, by hyparquet, and compares its counts, NULLs and bounds with footer, page index and Bloom filter. */
export function checkChunk(task: ChunkTask): CheckedChunk {
  const { chunk, rows } = task;
  const differences: ChunkDifference[] = [];
  const compare: Compare = (check, expected, found) => {
    if (expected !== found) differences.push({ check, expected: String(expected), found: String(found) });
  };
  const facts = decoded(task);
  if ('problem' in facts) {
    compare('pages', 'pages that can be decoded', facts.problem);
    return { differences, digest: undefined };
  }
  compareFacts(chunk, { facts, rows, compare });
  const { element } = chunk.column;
  for (const { index, expected, found } of indexProblems(task, { facts, element, start: chunk.offset })) {
    compare(index, expected, found);
  }
  return { differences, digest: facts.digest };
}

type Compare = (check: Check, expected: string | number, found: string | number) => void;

function decoded({ bytes, chunk, schema, digest }: ChunkTask): PageFacts | { readonly problem: string } {
  try {
    return pageFacts(bytes, chunk, { schema, digest });
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function compareFacts(
  chunk: ColumnChunkFacts,
  { facts, rows, compare }: { readonly facts: PageFacts; readonly rows: number; readonly compare: Compare },
): void {
  compare('rows', rows, facts.rows);
  compare('values', chunk.values, facts.values);
  const { statistics } = chunk;
  if (statistics === undefined) return;
  if (statistics.nulls !== undefined) compare('nulls', statistics.nulls, facts.nulls);
  compareBound('min', { chunk, statistics, value: facts.min, compare });
  compareBound('max', { chunk, statistics, value: facts.max, compare });
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
  if (bound === undefined || value === undefined) {
    compare(
      side,
      bound === undefined ? `0x${Buffer.from(bytes).toString('hex')}` : shownText(element, bound),
      shownText(element, value),
    );
    return;
  }
  const isExact = side === 'min' ? statistics.isMinExact : statistics.isMaxExact;
  if (isBound(side, { element, bound, value, isExact })) return;
  compare(side, shownText(element, bound), shownText(element, value));
}
