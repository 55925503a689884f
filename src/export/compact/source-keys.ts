import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { createColumnBuffers } from '../../columns/column-buffers.js';
import { hashBytes } from '../../columns/bytes-hash.js';
import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { ColumnSpec } from '../../columns/column-spec.js';
import { openReader } from '../../engines.js';
import { viewOf } from '../../kernels/memory.js';
import type { ReaderSettings, Snapshot } from '../../sources/source.js';
import type { TableKeys } from '../model/plan.js';
import { type Bucket, bucketOf, type KeyBytes } from './key-index.js';
import type { PresentKeys } from './last-rows.js';
import { RowKeys } from './row-keys.js';

/** What it takes to read all keys of a table from its source. Plain data; contains secrets. */
export interface SourceKeysRead extends TableKeys {
  readonly reader: ReaderSettings;
  readonly snapshot: Snapshot;
}

/** Rows that a reader hands over at once. */
const BATCH_ROWS = 1024;
/** Bytes of keys that are written or read at once. */
const CHUNK_BYTES = 1 << 18;

/**
 * The keys of the source. They are read once; where there is more than one bucket of them, they are kept in temporary
 * files on this machine, one for each.
 */
export class SourceKeys implements PresentKeys {
  readonly #read: SourceKeysRead;
  readonly #key: readonly ColumnSpec[];
  readonly #signal: AbortSignal;
  #spool: KeySpool | undefined;

  /** @param options.key of the merged files: the keys of both are compared by their bytes */
  constructor(
    read: SourceKeysRead,
    { key, signal }: { readonly key: readonly ColumnSpec[]; readonly signal: AbortSignal },
  ) {
    this.#read = read;
    this.#key = key;
    this.#signal = signal;
  }

  async each(bucket: Bucket, onKeys: (keys: KeyBytes, rows: number) => void): Promise<void> {
    if (bucket.count === 1) return this.#readAll(onKeys);
    if (this.#spool === undefined) {
      const spool = await KeySpool.open(bucket.count);
      this.#spool = spool;
      await this.#readAll((keys, rows) => spool.add(keys, rows));
    }
    return this.#spool.each(bucket.index, onKeys);
  }

  async close(): Promise<void> {
    await this.#spool?.close();
  }

  async #readAll(onKeys: (keys: KeyBytes, rows: number) => void | Promise<void>): Promise<void> {
    const { reader: settings, snapshot, dataset, columns: read, slice } = this.#read;
    const columns = createColumnBuffers(this.#key, { rowGroupRows: BATCH_ROWS });
    const reader = await openReader(settings, snapshot);
    try {
      const sink = new KeySink(columns, onKeys);
      await reader.read({ dataset, columns: read, slice, onUnrepresentable: 'error' }, sink, this.#signal);
    } finally {
      await reader.close();
    }
  }
}

/** Takes the keys of rows as they arrive. */
class KeySink {
  readonly columns: readonly ColumnBuffer[];
  readonly room = BATCH_ROWS;
  readonly #keys: RowKeys;
  readonly #onKeys: (keys: KeyBytes, rows: number) => void | Promise<void>;

  constructor(columns: readonly ColumnBuffer[], onKeys: (keys: KeyBytes, rows: number) => void | Promise<void>) {
    this.columns = columns;
    this.#keys = new RowKeys(columns);
    this.#onKeys = onKeys;
  }

  commit(rows: number): Promise<void> | undefined {
    this.#keys.take(rows);
    return this.#onKeys(this.#keys, rows) ?? undefined;
  }
}

/** Keys on disk, each after its length in 4 bytes, in a file for each bucket. */
class KeySpool {
  readonly #directory: string;
  readonly #files: readonly FileHandle[];
  readonly #held: { bytes: Uint8Array; length: number }[];

  private constructor(directory: string, files: readonly FileHandle[]) {
    this.#directory = directory;
    this.#files = files;
    this.#held = files.map(() => ({ bytes: new Uint8Array(1024), length: 0 }));
  }

  /** In a directory that only this user can read. */
  static async open(buckets: number): Promise<KeySpool> {
    const directory = await mkdtemp(path.join(tmpdir(), 'lakeport-keys-'));
    const files: FileHandle[] = [];
    for (let bucket = 0; bucket < buckets; bucket++) {
      files.push(await open(path.join(directory, String(bucket)), 'wx+', 0o600));
    }
    return new KeySpool(directory, files);
  }

  add({ bytes, view, offsets }: KeyBytes, rows: number): Promise<void> | undefined {
    let isFull = false;
    for (let row = 0; row < rows; row++) {
      const start = offsets[row] ?? 0;
      const length = (offsets[row + 1] ?? 0) - start;
      const held = this.#held[bucketOf(hashBytes(bytes, view, start, length), this.#files.length)];
      if (held === undefined) continue;
      const end = held.length + 4 + length;
      if (end > held.bytes.length) {
        const longer = new Uint8Array(Math.max(end, held.bytes.length * 2));
        longer.set(held.bytes);
        held.bytes = longer;
      }
      viewOf(held.bytes).setInt32(held.length, length, true);
      held.bytes.set(bytes.subarray(start, start + length), held.length + 4);
      held.length = end;
      isFull ||= end >= CHUNK_BYTES;
    }
    return isFull ? this.#flush(CHUNK_BYTES) : undefined;
  }

  async each(bucket: number, onKeys: (keys: KeyBytes, rows: number) => void): Promise<void> {
    await this.#flush(1);
    const file = this.#files[bucket];
    if (file === undefined) return;
    let bytes = new Uint8Array(CHUNK_BYTES);
    let filled = 0;
    for (let position = 0; ;) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      filled += bytesRead;
      const taken = splitKeys(bytes.subarray(0, filled), onKeys);
      bytes.copyWithin(0, taken, filled);
      filled -= taken;
      // A key that is longer than all that is read at once.
      if (filled === bytes.length) {
        const longer = new Uint8Array(bytes.length * 2);
        longer.set(bytes);
        bytes = longer;
      }
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#files.map((file) => file.close()));
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #flush(least: number): Promise<void> {
    for (const [bucket, held] of this.#held.entries()) {
      if (held.length < least) continue;
      await this.#files[bucket]?.writeFile(held.bytes.subarray(0, held.length));
      held.length = 0;
    }
  }
}

/** Hands over the whole keys in the bytes, one at a time. @returns the end of the last one */
function splitKeys(bytes: Uint8Array, onKeys: (keys: KeyBytes, rows: number) => void): number {
  const view = viewOf(bytes);
  const offsets = new Int32Array(2);
  let at = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + view.getInt32(at, true);
    if (end > bytes.length) break;
    offsets[0] = at + 4;
    offsets[1] = end;
    onKeys({ bytes, view, offsets }, 1);
    at = end;
  }
  return at;
}
