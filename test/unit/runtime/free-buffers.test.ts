import { describe, expect, it } from 'vitest';

import { freeBuffers } from '../../../src/runtime/free-buffers.js';

describe('memory given back', () => {
  it('is that of large arrays of their own', () => {
    const large = new Uint8Array(1 << 20).fill(1);
    const buffer = Buffer.from(new Uint8Array(8192));
    freeBuffers([large, buffer]);
    expect(large.buffer.byteLength).toBe(0);
    expect(buffer).toHaveLength(0);
  });

  it('is not that of a part of an array, of a small one, nor of shared memory', () => {
    const whole = new Uint8Array(1 << 20).fill(1);
    const pooled = Buffer.from('short');
    const shared = new Uint8Array(new SharedArrayBuffer(1 << 20));
    freeBuffers([whole.subarray(1), pooled, shared]);
    expect(whole[0]).toBe(1);
    expect(pooled.toString()).toBe('short');
    expect(shared).toHaveLength(1 << 20);
  });

  it('may be none: arrays that are gone already, or that a native library owns', () => {
    const gone = new Uint8Array(1 << 20);
    freeBuffers([gone, gone, new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer)]);
    expect(gone).toHaveLength(0);
  });
});
