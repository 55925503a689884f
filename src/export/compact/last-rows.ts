import { createColumnBuffers } from '../../columns/column-buffers.js';
import type { ColumnSpec } from '../../columns/column-spec.js';
import { CursorValues, isAtLeast } from './cursor-values.js';
import { type Bucket, type KeyBytes, KeyIndex, NO_ROW } from './key-index.js';
import type { Part } from './parts.js';
import { RowBits } from './row-bits.js';
import { RowKeys } from './row-keys.js';

/** Keys held at once: what an index of them takes is about a hundred bytes each. */
const KEYS_AT_ONCE = 2_000_000;
/** Bytes of keys held at once. */
const KEY_BYTES_AT_ONCE = 512 << 20;
/** Rows whose keys are looked up together. */
const BATCH_ROWS = 1024;

/** Keys that the source has, gone through once for each bucket. */
export interface PresentKeys {
  each(bucket: Bucket, onKeys: (keys: KeyBytes, rows: number) => void): Promise<void>;
}

export interface KeyedParts {
  /** Files with rows. */
  readonly parts: readonly Part[];
  /** Files with keys that the source had no more at the time of a sync. */
  readonly deletions: readonly Part[];
  /** Of the columns that identify a row, in order. */
  readonly key: readonly ColumnSpec[];
  /** Decides between rows of one sync; undefined to take the later one. */
  readonly cursor: ColumnSpec | undefined;
  /** What the source has, if rows that it has no more are to go. */
  readonly present?: PresentKeys | undefined;
  /** Called with keys that the source has no more, as `RowKeys` makes them. Valid until it is done. */
  readonly onDeleted?: ((keys: readonly Uint8Array[]) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
  /** Undefined for the usual. */
  readonly keysAtOnce?: number | undefined;
}

/** Which rows are the last of their keys. Rows count over all parts, in their order. */
export interface LastRows {
  readonly kept: RowBits;
  readonly keptRows: number;
  /** Keys with rows that the source has no more. */
  readonly deletedKeys: number;
  /** Keys of the source that no row has. */
  readonly missingKeys: number;
}

/**
 * Finds for each key its last row: that of the latest sync; of two rows of one sync, that with the greater value of the
 * cursor, NULL being the least, and else the later one. Keys are compared exactly; more than fit in memory are gone
 * through in buckets, for each of which the columns of the keys are read again.
 */
export async function findLastRows(input: KeyedParts): Promise<LastRows> {
  const rows = input.parts.reduce((sum, part) => sum + part.footer.rows, 0);
  const kept = new RowBits(rows);
  const count = bucketCount(input, rows);
  let [keptRows, deletedKeys, missingKeys] = [0, 0, 0];
  for (let index = 0; index < count; index++) {
    const found = await new BucketPass(input, { index, count }, kept).run();
    keptRows += found.keptRows;
    deletedKeys += found.deletedKeys;
    missingKeys += found.missingKeys;
  }
  return { kept, keptRows, deletedKeys, missingKeys };
}

/** No more keys than rows, and no longer ones than their chunks say. */
function bucketCount({ parts, deletions, key, keysAtOnce = KEYS_AT_ONCE }: KeyedParts, rows: number): number {
  const names = new Set(key.map(({ name }) => name));
  const chunks = [...parts, ...deletions].flatMap(({ footer }) => footer.rowGroups).flatMap((group) => group.chunks);
  const bytes = chunks.reduce(
    (sum, { column, uncompressedBytes }) => sum + (names.has(column.path[0] ?? '') ? uncompressedBytes : 0),
    0,
  );
  return Math.max(1, Math.ceil(rows / keysAtOnce), Math.ceil(bytes / KEY_BYTES_AT_ONCE));
}

/** Goes through the keys of one bucket. */
class BucketPass {
  readonly #input: KeyedParts;
  readonly #bucket: Bucket;
  readonly #kept: RowBits;
  #index: KeyIndex;
  /** By key: the cursor's value of its last row, once there are two rows of one sync with the same key. */
  #cursors: ReturnType<CursorValues['at']>[] | undefined;
  #hasEqualSyncs = false;

  constructor(input: KeyedParts, bucket: Bucket, kept: RowBits) {
    this.#input = input;
    this.#bucket = bucket;
    this.#kept = kept;
    this.#index = new KeyIndex(bucket);
  }

  async run(): Promise<Omit<LastRows, 'kept'>> {
    await this.#readAll();
    if (this.#hasEqualSyncs && this.#input.cursor !== undefined) {
      // Only now the cursor's column is needed: keys are unique within a sync, as a rule.
      for (const row of this.#rows()) this.#kept.remove(row);
      this.#index = new KeyIndex(this.#bucket);
      this.#cursors = [];
      await this.#readAll();
    }
    const missingKeys = await this.#markPresent();
    const deletedKeys = this.#input.present === undefined ? 0 : await this.#dropDeleted();
    return { keptRows: [...this.#rows()].length, deletedKeys, missingKeys };
  }

  /** Positions of the last rows. */
  *#rows(): Iterable<number> {
    for (let key = 0; key < this.#index.count; key++) {
      const row = this.#index.rowOf(key);
      if (row !== NO_ROW) yield row;
    }
  }

  async #readAll(): Promise<void> {
    const { parts, deletions } = this.#input;
    let first = 0;
    const files = parts.map((part) => {
      const file = { part, first };
      first += part.footer.rows;
      return file;
    });
    const all = [...files, ...deletions.map((part) => ({ part, first: undefined }))];
    all.sort((a, b) => a.part.source.sync - b.part.source.sync);
    for (const file of all) await this.#read(file);
  }

  /** @param file position of its first row; undefined for a file of deletions */
  async #read({ part, first }: { readonly part: Part; readonly first: number | undefined }): Promise<void> {
    const { key, cursor, signal } = this.#input;
    const keyColumns = createColumnBuffers(key, { rowGroupRows: BATCH_ROWS });
    const usesCursor = this.#cursors !== undefined && cursor !== undefined && first !== undefined;
    const cursorColumns = usesCursor ? createColumnBuffers([cursor], { rowGroupRows: BATCH_ROWS }) : [];
    const keys = new RowKeys(keyColumns);
    const [cursors] = cursorColumns.map((column) => new CursorValues(column));
    const all = new Uint8Array(BATCH_ROWS).fill(1);
    let row = first;
    for (const group of part.footer.rowGroups) {
      signal.throwIfAborted();
      const copy = await part.copies(group, [...keyColumns, ...cursorColumns]);
      for (let left = group.rows; left > 0;) {
        const rows = Math.min(left, BATCH_ROWS);
        copy.copy(rows, all);
        keys.take(rows);
        cursors?.take(rows);
        const { sync } = part.source;
        if (row === undefined) this.#delete(keys, rows, sync);
        else this.#keep({ keys, cursors, rows, sync, first: row });
        row = row === undefined ? undefined : row + rows;
        left -= rows;
      }
    }
  }

  #keep({
    keys,
    cursors,
    rows,
    sync,
    first,
  }: {
    readonly keys: RowKeys;
    readonly cursors: CursorValues | undefined;
    readonly rows: number;
    readonly sync: number;
    readonly first: number;
  }): void {
    const index = this.#index;
    for (let i = 0; i < rows; i++) {
      const key = index.find(keys, i);
      if (key === undefined) continue;
      const before = index.rowOf(key);
      if (before !== NO_ROW) {
        if (index.syncOf(key) === sync) {
          this.#hasEqualSyncs = true;
          if (this.#cursors !== undefined && !isAtLeast(cursors?.at(i), this.#cursors[key])) continue;
        }
        this.#kept.remove(before);
      }
      this.#kept.add(first + i);
      index.set(key, first + i, sync);
      if (this.#cursors !== undefined) this.#cursors[key] = cursors?.at(i);
    }
  }

  #delete(keys: RowKeys, rows: number, sync: number): void {
    const index = this.#index;
    for (let i = 0; i < rows; i++) {
      const key = index.find(keys, i);
      if (key === undefined) continue;
      const before = index.rowOf(key);
      if (before !== NO_ROW) this.#kept.remove(before);
      index.set(key, NO_ROW, sync);
    }
  }

  /** @returns how many keys of the source no row has */
  async #markPresent(): Promise<number> {
    let missing = 0;
    const index = this.#index;
    await this.#input.present?.each(this.#bucket, (keys, rows) => {
      for (let i = 0; i < rows; i++) {
        const key = index.find(keys, i);
        if (key === undefined || index.isPresent(key)) continue;
        index.markPresent(key);
        if (index.rowOf(key) === NO_ROW) missing++;
      }
    });
    return missing;
  }

  /** @returns how many keys with rows the source has no more */
  async #dropDeleted(): Promise<number> {
    const index = this.#index;
    const { onDeleted } = this.#input;
    let deleted = 0;
    let told: Uint8Array[] = [];
    for (let key = 0; key < index.count; key++) {
      const row = index.rowOf(key);
      if (row === NO_ROW || index.isPresent(key)) continue;
      this.#kept.remove(row);
      index.set(key, NO_ROW, index.syncOf(key));
      deleted++;
      told.push(index.bytesOf(key));
      if (told.length < BATCH_ROWS) continue;
      await onDeleted?.(told);
      told = [];
    }
    if (told.length > 0) await onDeleted?.(told);
    return deleted;
  }
}
