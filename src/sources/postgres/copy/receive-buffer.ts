import type { Memory } from '../../../kernels/kernels.js';
import { HEAP, viewOf } from '../../../kernels/memory.js';

/** Space offered to a read from the socket, in bytes. */
const READ_BYTES = 64 << 10;
/** Space for what still comes when reading pauses: a read in progress, or what TLS has decrypted already. */
const RESERVE_BYTES = 68 << 10;
/** Size of the buffer unless a row is larger: a batch of rows of 400 bytes. Fits into the processor's cache. */
const USUAL_BYTES = 1 << 20;

/**
 * The single buffer that the socket writes into and rows are decoded from. Unconsumed bytes move to the front when space
 * runs out, so a row is always contiguous.
 */
export class ReceiveBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  /** A view of the same bytes. */
  view: DataView;
  /** Its usual place, where kernels can reach it. */
  readonly #usual: Uint8Array<ArrayBuffer>;
  readonly #memory: Memory;
  /** First unconsumed byte. */
  start = 0;
  /** End of the bytes received. */
  end = 0;

  /** @param memory of kernels that are to work on the rows. Default: an ordinary array */
  constructor(memory: Memory = HEAP) {
    this.#memory = memory;
    this.#usual = memory.bytes(USUAL_BYTES);
    this.bytes = this.#usual;
    this.view = viewOf(this.bytes);
  }

  /** Must not be called before the socket is closed, which may still write. */
  release(): void {
    this.#memory.release(this.#usual);
  }

  /** Where the next read may write. Keeps a reserve for the read after a pause. */
  get free(): Uint8Array {
    const limit = this.bytes.length - RESERVE_BYTES;
    return this.end < limit ? this.bytes.subarray(this.end, limit) : this.bytes.subarray(this.end);
  }

  /**
   * Like `free`, but never empty: if the reserve is used up by consecutive pauses, the buffer grows. Nothing moves, so
   * rows that are scanned but not decoded stay in place.
   */
  lengthenedFree(): Uint8Array {
    if (this.end === this.bytes.length) {
      const bytes = new Uint8Array(this.bytes.length + READ_BYTES + RESERVE_BYTES);
      bytes.set(this.bytes);
      this.bytes = bytes;
      this.view = viewOf(bytes);
    }
    return this.free;
  }

  /** Whether there is too little space for the next read, or for the rest of the message at `start`. */
  lacksRoom(messageBytes: number): boolean {
    const needed = Math.max(this.end + READ_BYTES, this.start + messageBytes);
    return needed + RESERVE_BYTES > this.bytes.length;
  }

  /** Makes space for the next read, and for the whole message at `start`. Bytes may move. */
  makeRoom(messageBytes: number): void {
    if (this.start === this.end) this.start = this.end = 0;
    const isOversized = this.bytes.length > USUAL_BYTES;
    if (!this.lacksRoom(messageBytes) && !isOversized) return;
    const held = this.end - this.start;
    const needed = Math.max(held + READ_BYTES, messageBytes) + RESERVE_BYTES;
    if (needed > this.bytes.length || (isOversized && needed <= USUAL_BYTES)) {
      // In steps of 1 MiB, not by doubling: a row of hundreds of megabytes announces its length up front.
      const bytes = needed <= USUAL_BYTES ? this.#usual : new Uint8Array(Math.ceil(needed / (1 << 20)) * (1 << 20));
      bytes.set(this.bytes.subarray(this.start, this.end));
      this.bytes = bytes;
      this.view = viewOf(bytes);
    } else if (this.lacksRoom(messageBytes)) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      return;
    }
    this.start = 0;
    this.end = held;
  }

  /** Appends bytes received elsewhere; requires enough space. */
  append(chunk: Uint8Array): void {
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }
}
