import type { OwnObject } from './lease/own-paths.js';
import type { Withdrawal } from './lease/store-lease.js';
import type { PartWriter, StagedPart, StagedState, StageOptions, WriteOptions } from './storage.js';

/** How a store keeps parts invisible, and publishes them. Paths are already validated. */
export interface Stager {
  /** Maximum memory of one writer, in bytes. */
  writerMemoryBytes(expectedBytes?: number): number;
  stage(path: string, options: StageOptions): PartWriter;
  /** See `Storage`. */
  publish(part: StagedPart, path: string, options: WriteOptions): Promise<void>;
  /** See `Storage`. */
  locate(part: StagedPart, path: string): Promise<StagedState>;
  /** See `Storage`. */
  discard(part: StagedPart): Promise<void>;
  /** Removes what runs have staged, as far as their own objects reveal it. Returns the number of parts. */
  withdraw(own: readonly OwnObject[], options: Withdrawal): Promise<number>;
}
