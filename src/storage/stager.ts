import type { OwnObject } from './lease/own-paths.js';
import type { PartWriter, StagedPart, StagedState, StageOptions, WriteOptions } from './storage.js';

/** How a store keeps parts where nobody sees them, and makes them visible. Paths are safe already. */
export interface Stager {
  /** Most memory that one writer takes, in bytes. */
  writerMemoryBytes(expectedBytes?: number): number;
  stage(path: string, options: StageOptions): PartWriter;
  /** As of `Storage`. */
  publish(part: StagedPart, path: string, options: WriteOptions): Promise<void>;
  /** As of `Storage`. */
  locate(part: StagedPart, path: string): Promise<StagedState>;
  /** As of `Storage`. */
  discard(part: StagedPart): Promise<void>;
  /** Removes what runs have staged, as far as their own objects tell of it. Returns how many parts there were. */
  withdraw(own: readonly OwnObject[]): Promise<number>;
}
