/** Smaller ones may be parts of a buffer of Node's pool, and are not worth it. */
const LEAST_BYTES = 4 << 10;

const { port1: closed } = new MessageChannel();
closed.close();

/**
 * Gives back the memory of arrays that are used no more, without waiting for the garbage collector: it counts what lies
 * outside V8's heap only now and then, and lets tens of megabytes pile up. Arrays that share their memory are left alone.
 */
export function freeBuffers(arrays: readonly Uint8Array[]): void {
  for (const { buffer, byteLength } of arrays) {
    if (byteLength < LEAST_BYTES || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) continue;
    try {
      // Transferred to nobody.
      closed.postMessage(undefined, [buffer]);
    } catch {
      // Memory of a native library, which only the collector may give back.
    }
  }
}
