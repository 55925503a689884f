import type { SchemaElement } from 'hyparquet';
import { readBloomFilter, sbbfContains } from 'hyparquet/src/bloom.js';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { xxhash64 } from 'hyparquet/src/xxhash.js';

import type { OnePage, PageFacts } from './page-facts.js';
import { shownText } from './shown-value.js';
import { plainValue, type StoredValue } from './stored-value.js';
import { isBound } from './value-bounds.js';

/** What a file says about the pages of a column chunk, apart from them: the bytes. Undefined for what it does not have. */
export interface ChunkIndexes {
  readonly columnIndex: Uint8Array | undefined;
  readonly offsetIndex: Uint8Array | undefined;
  readonly bloomFilter: Uint8Array | undefined;
}

/** Something that an index says about the pages, and they do not. */
export interface IndexProblem {
  readonly index: 'page_index' | 'bloom_filter';
  readonly expected: string;
  readonly found: string;
}

/** By the numbers of parquet.thrift: ColumnIndex, OffsetIndex. In a damaged file, of any types. */
type ThriftStruct = Readonly<Record<string, unknown>>;

/** Compares the page index and the Bloom filter of a column chunk with what its pages hold. @param start of the chunk in the file */
export function indexProblems(
  indexes: ChunkIndexes,
  { facts, element, start }: { readonly facts: PageFacts; readonly element: SchemaElement; readonly start: number },
): IndexProblem[] {
  const { columnIndex, offsetIndex, bloomFilter } = indexes;
  const problems: IndexProblem[] = [];
  const compare: Compare = (expected, found, what) => {
    if (expected !== found) problems.push({ index: 'page_index', expected: `${what}: ${expected}`, found });
  };
  const { pages } = facts;
  try {
    if (offsetIndex !== undefined) compareOffsets(thrift(offsetIndex), { pages, start, compare });
    if (columnIndex !== undefined) compareBounds(thrift(columnIndex), { pages, element, compare });
  } catch {
    compare('a page index', 'bytes that cannot be decoded', 'page index');
  }
  return bloomFilter === undefined ? problems : [...problems, ...missingIn(bloomFilter, facts.some, element)];
}

type Compare = (expected: string, found: string, what: string) => void;

function thrift(bytes: Uint8Array): ThriftStruct {
  return deserializeTCompactProtocol({
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offset: 0,
  });
}

function compareOffsets(
  index: ThriftStruct,
  { pages, start, compare }: { readonly pages: readonly OnePage[]; readonly start: number; readonly compare: Compare },
): void {
  const locations = listOf(index['field_1']) as readonly ThriftStruct[]; // of damaged ones, fields are undefined
  compare(String(locations.length), String(pages.length), 'pages');
  for (const [i, page] of pages.entries()) {
    const location = locations[i];
    if (location === undefined) break;
    const text = (offset: unknown, length: unknown, row: unknown) =>
      `${String(length)} bytes at ${String(offset)} from row ${String(row)}`;
    compare(
      text(location['field_1'], location['field_2'], location['field_3']),
      text(start + page.offset, page.length, page.firstRow),
      `page ${i}`,
    );
  }
}

function compareBounds(
  index: ThriftStruct,
  {
    pages,
    element,
    compare,
  }: { readonly pages: readonly OnePage[]; readonly element: SchemaElement; readonly compare: Compare },
): void {
  const isNull = listOf(index['field_1']);
  const nulls = index['field_5'] === undefined ? undefined : listOf(index['field_5']);
  compare(String(isNull.length), String(pages.length), 'pages with bounds');
  for (const [i, page] of pages.entries()) {
    const hasNoValue = page.values === page.nulls;
    compare(String(isNull[i] === true), String(hasNoValue), `page ${i} has only NULLs`);
    if (nulls !== undefined) compare(String(nulls[i]), String(page.nulls), `NULLs of page ${i}`);
    if (hasNoValue || element.type === 'INT96') continue;
    for (const side of ['min', 'max'] as const) {
      const bytes = listOf(index[side === 'min' ? 'field_2' : 'field_3'])[i];
      const bound = bytes instanceof Uint8Array ? plainValue(element, bytes) : undefined;
      const value = page[side];
      const isExact = !isShortened(bound, value);
      const holds = bound !== undefined && value !== undefined && isBound(side, { element, bound, value, isExact });
      if (!holds) compare(shownText(element, bound), shownText(element, value), `${side} of page ${i}`);
    }
  }
}

/** Long bounds of bytes may be shortened to ones that still bound the values. */
function isShortened(bound: StoredValue | undefined, value: StoredValue | undefined): boolean {
  return bound instanceof Uint8Array && value instanceof Uint8Array && bound.length < value.length;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A filter may hold too much, and never too little (BloomFilter.md). */
function missingIn(bytes: Uint8Array, values: readonly StoredValue[], element: SchemaElement): IndexProblem[] {
  const problem = (expected: string, found: string): IndexProblem[] => [{ index: 'bloom_filter', expected, found }];
  try {
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
    const filter = readBloomFilter(reader);
    if (filter === undefined) return problem('a Bloom filter', 'bytes that cannot be decoded');
    const missing = values.find((value) => {
      const plain = plainBytes(element, value);
      return plain !== undefined && !sbbfContains(filter.blocks, xxhash64(plain));
    });
    return missing === undefined ? [] : problem('every value', `not ${shownText(element, missing)}`);
  } catch {
    return problem('a Bloom filter', 'bytes that cannot be decoded');
  }
}

/** PLAIN, without the length of byte arrays. */
function plainBytes({ type }: SchemaElement, value: StoredValue): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  const view = new DataView(new ArrayBuffer(8));
  switch (type) {
    case 'INT32':
      view.setInt32(0, Number(value), true);
      return new Uint8Array(view.buffer, 0, 4);
    case 'INT64':
      view.setBigInt64(0, BigInt(value), true);
      return new Uint8Array(view.buffer);
    case 'FLOAT':
      view.setFloat32(0, Number(value), true);
      return new Uint8Array(view.buffer, 0, 4);
    case 'DOUBLE':
      view.setFloat64(0, Number(value), true);
      return new Uint8Array(view.buffer);
    default:
      return undefined;
  }
}
