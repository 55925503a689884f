import { statSync } from 'node:fs';

import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { fastestKernels } from '../../../src/kernels/kernels.js';
import { grown, HEAP } from '../../../src/kernels/memory.js';
import { Regions } from '../../../src/kernels/regions.js';
import { kernelsOf } from '../../harness/kernels.js';

describe('regions', () => {
  it('do not overlap, and leave room behind them', () => {
    const regions = new Regions(0, 1 << 20);
    const taken = [1, 200, 1000, 5000, 256, 64].map((length) => ({ length, at: regions.take(length)! }));
    const ordered = [...taken].sort((a, b) => a.at - b.at);
    ordered
      .slice(1)
      .forEach(({ at }, i) => expect(at).toBeGreaterThanOrEqual(ordered[i]!.at + ordered[i]!.length + 64));
  });

  it('are given out again when they are released', () => {
    const regions = new Regions(0, 1 << 16);
    const at = regions.take(1000)!;
    regions.take(10);
    regions.release(at, 1000);
    expect(regions.take(980)).toBe(at);
  });

  it('are joined when they are released, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3000), fc.nat()), { minLength: 1, maxLength: 30 }), (all) => {
        const regions = new Regions(0, 1 << 20);
        const taken = all.map(([length, order]) => ({ length, order, at: regions.take(length)! }));
        const most = regions.mostBytes;
        for (const { at, length } of [...taken].sort((a, b) => a.order - b.order)) regions.release(at, length);
        // As much as all of them had, and slack, is in one piece again.
        expect(regions.take(most - 128)).toBe(0);
        expect(regions.mostBytes).toBe(most);
      }),
    );
  });

  it('never overlap, whatever is taken and released', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3000), fc.nat(9)), { maxLength: 60 }), (all) => {
        const regions = new Regions(0, 1 << 20);
        const held = new Map<number, number>();
        for (const [length, kept] of all) {
          const at = regions.take(length)!;
          for (const [other, size] of held) expect(at >= other + size + 64 || other >= at + length + 64).toBe(true);
          held.set(at, length);
          const [oldest] = held;
          if (held.size > kept && oldest !== undefined) {
            regions.release(...oldest);
            held.delete(oldest[0]);
          }
        }
      }),
    );
  });

  it('end where the memory does', () => {
    const regions = new Regions(0, 4096);
    expect(regions.take(3000)).toBe(0);
    expect(regions.take(3000)).toBeUndefined();
    regions.clear();
    expect(regions.take(3000)).toBe(0);
  });
});

describe("the kernels' memory", () => {
  it('gives ordinary arrays when it is full', () => {
    const kernels = kernelsOf('simd');
    const arrays = Array.from({ length: 40 }, () => kernels.columns.bytes(10 << 20));
    expect(arrays.filter((array) => kernels.address(array) >= 0).length).toBeGreaterThan(5);
    const last = arrays.at(-1)!;
    expect(kernels.address(last)).toBe(-1);
    expect(last.length).toBe(10 << 20);
  });

  it('keeps what an array held when it grows', () => {
    const { columns } = kernelsOf('simd');
    for (const memory of [HEAP, columns]) {
      const bytes = memory.bytes(3);
      bytes.set([1, 2, 3]);
      expect([...grown(memory, bytes, 1000).subarray(0, 3)]).toEqual([1, 2, 3]);
    }
  });
});

describe('the fastest kernels', () => {
  afterEach(() => vi.unstubAllGlobals());

  /** WebAssembly as another machine has it. */
  function machine(changes: object): void {
    vi.stubGlobal('WebAssembly', { ...standIn(), ...changes });
  }

  const standIn = () => {
    const { Memory, Module, Instance, validate } = WebAssembly;
    return { Memory, Module, Instance, validate };
  };

  /** What the module `simd` has, and the other has not. */
  const usesSimd = (bytes: Uint8Array) => bytes.length === simdLength;
  const simdLength = statSync(new URL('../../../dist/kernels/kernels.wasm', import.meta.url)).size;

  it('are those with SIMD where the machine has it', () => {
    const compiled: number[] = [];
    machine({ Module: recording(compiled) });
    expect(fastestKernels()).toBeDefined();
    expect(compiled).toEqual([simdLength]);
  });

  it('are those without SIMD elsewhere', () => {
    const compiled: number[] = [];
    const { validate } = WebAssembly;
    machine({ Module: recording(compiled), validate: (bytes: Uint8Array) => !usesSimd(bytes) && validate(bytes) });
    expect(fastestKernels()).toBeDefined();
    expect(compiled).not.toEqual([simdLength]);
  });

  it('are none where there is no room for their memory, or no WebAssembly', () => {
    machine({
      Memory: function () {
        throw new RangeError('could not allocate memory');
      },
    });
    expect(fastestKernels()).toBeUndefined();
    vi.stubGlobal('WebAssembly', undefined);
    expect(fastestKernels()).toBeUndefined();
  });

  function recording(lengths: number[]) {
    const { Module } = WebAssembly;
    return class extends Module {
      constructor(bytes: Uint8Array) {
        super(bytes);
        lengths.push(bytes.length);
      }
    };
  }
});
