import type { ColumnBuffer } from '../../columns/column-buffer.js';
import { createColumnBuffers } from '../../columns/column-buffers.js';
import type { ColumnSpec } from '../../columns/column-spec.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { PartWriter } from '../../storage/storage.js';
import type { StagedFile } from '../model/slice-outcome.js';
import { SliceSink } from '../worker/slice-sink.js';
import { ValueReader } from './value-reader.js';

/** Writes keys that the source has no more to a file of their own. */
export class DeletedKeys {
  readonly #sink: SliceSink;
  readonly #columns: readonly ColumnBuffer[];

  constructor(
    key: readonly ColumnSpec[],
    options: {
      readonly files: FileOptions;
      readonly openPart: () => Promise<PartWriter>;
      readonly onStaged: (file: StagedFile) => void;
    },
  ) {
    this.#columns = createColumnBuffers(key, options.files);
    const files = { ...options.files, maxFileBytes: undefined, maxRowsPerFile: undefined };
    this.#sink = new SliceSink({ ...options, columns: this.#columns, files, onProgress: () => undefined });
  }

  /** @param keys as `RowKeys` makes them, fewer than a batch */
  async add(keys: readonly Uint8Array[]): Promise<void> {
    for (let done = 0; done < keys.length;) {
      const some = keys.slice(done, done + this.#sink.room);
      for (const key of some) this.#append(key);
      await this.#sink.commit(some.length);
      done += some.length;
    }
  }

  /** @returns undefined if there was no key */
  async finish(): Promise<StagedFile | undefined> {
    await this.#sink.finish({ emptyFile: false });
    return this.#sink.files[0];
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }

  #append(key: Uint8Array): void {
    const reader = new ValueReader(key);
    for (const column of this.#columns) reader.appendTo(column);
  }
}
