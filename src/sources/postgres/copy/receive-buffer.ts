/** Room that a read from the socket is offered, in bytes. */
const READ_BYTES = 64 << 10;
/** Room for the one read that is under way when reading pauses. */
const RESERVE_BYTES = 4 << 10;
/** Size of the buffer as long as no row is larger. Small enough to stay in the processor's cache. */
const USUAL_BYTES = 512 << 10;

/**
 * The one buffer that the socket writes into and rows are decoded from. What is not consumed yet moves to the front
 * when room runs out, so a row always lies in one piece.
 */
export class ReceiveBuffer {
  bytes = new Uint8Array(USUAL_BYTES);
  /** Over the same bytes. */
  view = new DataView(this.bytes.buffer);
  /** First byte that is not consumed. */
  start = 0;
  /** Behind the last byte received. */
  end = 0;

  /** Where the next read may put its bytes. A reserve is kept back for the read after a pause. */
  get free(): Uint8Array {
    const limit = this.bytes.length - RESERVE_BYTES;
    return this.end < limit ? this.bytes.subarray(this.end, limit) : this.bytes.subarray(this.end);
  }

  /**
   * As `free`, and never empty: where one pause followed another and the reserve is used up, the buffer is lengthened.
   * Nothing moves, so that rows which are found and not decoded yet stay where they are.
   */
  lengthenedFree(): Uint8Array {
    if (this.end === this.bytes.length) {
      const bytes = new Uint8Array(this.bytes.length + READ_BYTES + RESERVE_BYTES);
      bytes.set(this.bytes);
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer);
    }
    return this.free;
  }

  /** Whether the next read, or the rest of a message that begins at `start`, lacks room. */
  lacksRoom(messageBytes: number): boolean {
    const needed = Math.max(this.end + READ_BYTES, this.start + messageBytes);
    return needed + RESERVE_BYTES > this.bytes.length;
  }

  /** Makes room for the next read, and for the whole of a message that begins at `start`. Bytes may move. */
  makeRoom(messageBytes: number): void {
    if (this.start === this.end) this.start = this.end = 0;
    const isOversized = this.bytes.length > USUAL_BYTES;
    if (!this.lacksRoom(messageBytes) && !isOversized) return;
    const held = this.end - this.start;
    const needed = Math.max(held + READ_BYTES, messageBytes) + RESERVE_BYTES;
    if (needed > this.bytes.length || (isOversized && needed <= USUAL_BYTES)) {
      // In steps of 1 MiB, not by doubling: a row of hundreds of megabytes is known by its length from the start.
      const bytes = new Uint8Array(needed <= USUAL_BYTES ? USUAL_BYTES : Math.ceil(needed / (1 << 20)) * (1 << 20));
      bytes.set(this.bytes.subarray(this.start, this.end));
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer);
    } else if (this.lacksRoom(messageBytes)) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      return;
    }
    this.start = 0;
    this.end = held;
  }

  /** Takes over bytes that something else received; there must be room. */
  append(chunk: Uint8Array): void {
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }
}
