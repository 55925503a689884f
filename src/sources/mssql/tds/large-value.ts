import { viewOf } from '../../../kernels/memory.js';
import type { LargeField } from '../decode/decoders.js';
import { noText } from '../decode/texts.js';
import type { UnrepresentableValue } from '../../wire/wire.js';

const LENGTH_BYTES = 4;
/** Bytes of text transcoded at a time. */
const STAGE_BYTES = 64 << 10;

/**
 * A value that is too large to decode in one piece. The part received so far is already in the column's buffer, after the
 * space for its length. The column's levels are only updated at the end of the value, once it is known to be valid.
 */
export class LargeValue {
  readonly #field: LargeField;
  readonly #start: number;
  #stage = new Uint8Array(0);
  #stageView = viewOf(this.#stage);
  #staged = 0;
  #problem: UnrepresentableValue | undefined;

  constructor(field: LargeField) {
    const { column, transcoder } = field;
    this.#field = field;
    // An entry of this size would exceed every limit of a dictionary.
    column.abandonDictionary();
    this.#start = column.byteLength;
    column.reserveBytes(LENGTH_BYTES);
    column.byteLength += LENGTH_BYTES;
    if (transcoder === undefined) return;
    this.#stage = new Uint8Array(STAGE_BYTES);
    this.#stageView = viewOf(this.#stage);
  }

  /** Adds the value's next bytes. */
  add(bytes: Uint8Array): void {
    const { column, transcoder } = this.#field;
    if (this.#problem !== undefined) return;
    if (transcoder === undefined) {
      column.reserveBytes(bytes.length);
      column.data.set(bytes, column.byteLength);
      column.byteLength += bytes.length;
      return;
    }
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + STAGE_BYTES - this.#staged);
      this.#stage.set(part, this.#staged);
      this.#staged += part.length;
      at += part.length;
      if (this.#staged === STAGE_BYTES) this.#transcode(transcoder.wholeCharacters(this.#stage, 0, this.#staged));
    }
  }

  /** Completes the value. @returns what makes it unrepresentable; the column is then as it was before */
  end(): UnrepresentableValue | undefined {
    const { column } = this.#field;
    if (this.#staged > 0) this.#transcode(this.#staged);
    if (this.#problem !== undefined) {
      column.byteLength = this.#start;
      return this.#problem;
    }
    column.view.setInt32(this.#start, column.byteLength - this.#start - LENGTH_BYTES, true);
    column.valueCount++;
    column.levels.appendPresent(1);
    return undefined;
  }

  /** Keeps the staged bytes after `length` for the next call. */
  #transcode(length: number): void {
    const { column, transcoder } = this.#field;
    if (transcoder === undefined || this.#problem !== undefined) return;
    column.reserveBytes(Math.ceil(length * transcoder.expansion));
    const { data, byteLength } = column;
    const end = transcoder.transcode(this.#stage, this.#stageView, 0, length, data, byteLength);
    if (end < 0) {
      this.#problem = noText(transcoder);
      return;
    }
    column.byteLength = end;
    this.#stage.copyWithin(0, length, this.#staged);
    this.#staged -= length;
  }
}
