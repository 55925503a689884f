/** A file of any store, read in ranges. */
export interface RandomAccess {
  /** For messages. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /**
   * @param end exclusive, at most `bytes`
   * @throws LakeportError if the file is gone or shorter by now
   */
  read(start: number, end: number): Promise<Uint8Array>;
}
