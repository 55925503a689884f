import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { Regions } from './regions.js';

/**
 * What `assembly/` exports, where each function is described. Addresses and counts are numbers of bytes and values; a
 * result of 0 where a kernel says whether it could means that it could not, and that nothing was appended.
 */
export interface KernelFunctions {
  readonly scanCopy: (
    state: number,
    wire: number,
    received: number,
    columns: number,
    capacity: number,
    offsets: number,
    stride: number,
    lengths: number,
  ) => number;
  readonly scanTds: (
    state: number,
    wire: number,
    received: number,
    columns: number,
    layouts: number,
    lengths: number,
    capacity: number,
    offsets: number,
    stride: number,
  ) => number;
  readonly gatherTds: (wire: number, offsets: number, count: number) => void;
  readonly countNulls: (offsets: number, count: number) => number;
  readonly dense: (offsets: number, count: number, out: number) => number;
  readonly definitions: (offsets: number, count: number, out: number, present: number) => void;
  readonly booleans: Plain;
  readonly int16Plain: Plain;
  readonly beginWith: (wire: number, offsets: number, count: number, byte: number) => number;
  readonly int32Plain: (
    wire: number,
    offsets: number,
    count: number,
    out: number,
    add: number,
    bounded: number,
  ) => number;
  readonly int64Plain: (
    wire: number,
    offsets: number,
    count: number,
    out: number,
    add: bigint,
    bounded: number,
    least: bigint,
    most: bigint,
  ) => number;
  readonly oidPlain: Plain;
  readonly fixed16Plain: Plain;
  readonly decimal32Plain: (
    wire: number,
    offsets: number,
    count: number,
    out: number,
    scale: number,
    limit: bigint,
  ) => number;
  readonly decimal64Plain: (
    wire: number,
    offsets: number,
    count: number,
    out: number,
    scale: number,
    limit: bigint,
  ) => number;
  readonly decimalBytes: (
    wire: number,
    offsets: number,
    count: number,
    out: number,
    width: number,
    scale: number,
    limitLow: bigint,
    limitHigh: bigint,
  ) => number;
  readonly tdsTinyint: Plain;
  readonly tdsInt16: Plain;
  readonly tdsInt32: Plain;
  readonly tdsInt64: Plain;
  readonly tdsDate: (...args: [...Parameters<Plain>, epoch: number]) => number;
  readonly tdsTime: (...args: [...Parameters<Plain>, width: number, factor: bigint, divisor: bigint]) => number;
  readonly tdsMoment: (
    ...args: [...Parameters<KernelFunctions['tdsTime']>, epoch: number, day: bigint, most: number]
  ) => number;
  readonly tdsDatetime: (...args: [...Parameters<Plain>, epoch: number]) => number;
  readonly tdsSmalldatetime: (...args: [...Parameters<Plain>, epoch: number]) => number;
  readonly tdsDecimal32: Plain;
  readonly tdsDecimal64: Plain;
  readonly tdsDecimalBytes: (...args: [...Parameters<Plain>, width: number]) => number;
  readonly tdsMoney: (...args: [...Parameters<Plain>, width: number]) => number;
  readonly tdsSmallmoney: Plain;
  readonly tdsGuid: Plain;
  readonly fromUtf16: FromText;
  readonly fromUtf8: FromText;
  readonly fromCodePage: (...args: [...Parameters<FromText>, table: number]) => number;
  readonly bytesLength: (wire: number, offsets: number, count: number, skip: number, prefix: LengthPrefix) => number;
  readonly bytesPlain: (
    wire: number,
    offsets: number,
    count: number,
    skip: number,
    prefix: LengthPrefix,
    out: number,
  ) => number;
  readonly intern32: (...args: [...Parameters<InternNumbers>, near: number, base: number]) => number;
  readonly intern64: InternNumbers;
  readonly internBytes: (
    wire: number,
    offsets: number,
    count: number,
    skip: number,
    prefix: LengthPrefix,
    indices: number,
    data: number,
    dataLength: number,
    entries: number,
    hashes: number,
    slots: number,
    mask: number,
    entryCount: number,
    near: number,
  ) => number;
  readonly internFixed: (
    values: number,
    count: number,
    width: number,
    indices: number,
    data: number,
    hashes: number,
    slots: number,
    mask: number,
    entryCount: number,
  ) => number;
  readonly hybrid32: (out: number, values: number, count: number, width: number) => number;
  readonly hybrid8: (out: number, values: number, count: number, width: number) => number;
  readonly markUsed: (indices: number, count: number, marks: number, entries: number) => void;
  readonly gatherUsed32: (entries: number, count: number, marks: number, out: number) => number;
  readonly gatherUsed64: (entries: number, count: number, marks: number, out: number) => number;
  readonly entries32: Entries;
  readonly entries64: Entries;
  readonly entriesFixed: (...args: [...Parameters<Entries>, width: number]) => void;
  readonly entriesLength: (entries: number, offsets: number, indices: number, count: number) => number;
  readonly entriesBytes: (entries: number, offsets: number, indices: number, count: number, out: number) => void;
  readonly delta32: (out: number, values: number, count: number) => number;
  readonly delta64: (out: number, values: number, count: number) => number;
  readonly streamSplit: (out: number, values: number, count: number, width: number) => void;
  readonly plainLengths: (data: number, length: number, lengths: number) => number;
  readonly plainPrefixes: (data: number, length: number, prefixes: number, suffixes: number) => number;
  readonly suffixBytes: (out: number, data: number, count: number, prefixes: number, suffixes: number) => number;
  readonly xxHash64: (bytes: number, length: number) => bigint;
  readonly bloomFixed: (values: number, count: number, width: number, filter: number, blocks: number) => void;
  readonly bloomFloats: (values: number, count: number, filter: number, blocks: number) => void;
  readonly bloomDoubles: (values: number, count: number, filter: number, blocks: number) => void;
  readonly bloomBytes: (data: number, length: number, filter: number, blocks: number) => void;
  readonly bloomFoldedRate: (filter: number, blocks: number) => number;
  readonly bloomFold: (filter: number, blocks: number) => void;
  readonly range32: (values: number, count: number, out: number) => void;
  readonly range64: (values: number, count: number, out: number) => void;
  readonly rangeFloat: (values: number, count: number, out: number) => void;
  readonly rangeDouble: (values: number, count: number, out: number) => void;
  readonly rangeBytes: (data: number, length: number, used: number, out: number) => void;
  readonly rangeFixed: (values: number, count: number, width: number, used: number, sign: number, out: number) => void;
}

type Entries = (entries: number, indices: number, count: number, out: number) => void;

type Plain = (wire: number, offsets: number, count: number, out: number) => number;

type FromText = (
  wire: number,
  offsets: number,
  count: number,
  prefix: LengthPrefix,
  out: number,
  positions: number,
) => number;

/** How the length of a byte string is written, right before it. */
export type LengthPrefix = (typeof LENGTH_PREFIX)[keyof typeof LENGTH_PREFIX];

export const LENGTH_PREFIX = { bigEndian32: 0, littleEndian16: 1, littleEndian32: 2 } as const;

type InternNumbers = (
  values: number,
  count: number,
  indices: number,
  keys: number,
  keyCount: number,
  slots: number,
  bits: number,
) => number;

/** Gives columns and buffers the memory that they keep bytes in. What it gives is not cleared. */
export interface Memory {
  /** The kernels that can work on this memory; undefined where everything is done in TypeScript. */
  readonly kernels: Kernels | undefined;
  /** Never fails for want of room: what does not fit the kernels' memory lies elsewhere, and is out of their reach. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** The array is used no more; its memory may be given out again. */
  release(array: ArrayBufferView): void;
}

/** The same source compiled with SIMD instructions and without. */
export type KernelBuild = 'simd' | 'scalar';

const FILES: Readonly<Record<KernelBuild, string>> = { simd: 'kernels.wasm', scalar: 'kernels-scalar.wasm' };
/** The faster first. */
const BUILDS: readonly KernelBuild[] = ['simd', 'scalar'];

const PAGE_BYTES = 1 << 16;
/** Below it the module keeps its own tables. */
const STATIC_BYTES = PAGE_BYTES;
/** Receive buffers, scratch. */
const FIXED_BYTES = 16 << 20;
/**
 * Never grows, so that no view of it is ever detached. Only what is touched takes memory; what does not fit is kept in
 * ordinary arrays and handled by the TypeScript decoders.
 */
const MEMORY_BYTES = 256 << 20;
/** A single array beyond this, which only values of many megabytes need, is an ordinary one. */
const LARGEST_BYTES = 32 << 20;

/** Names of the scratch regions that the code of one thread shares. */
export type ScratchName =
  | 'offsets'
  | 'dense'
  | 'lengths'
  | 'layouts'
  | 'state'
  | 'text'
  | 'positions'
  | 'elements'
  | 'codePage'
  | 'page'
  | 'marks'
  | 'used'
  | 'range'
  | 'sample'
  | 'prefixes'
  | 'suffixes';

/**
 * The WebAssembly module that does the work per value, with the memory it works on. One instance serves one thread,
 * which reads one slice at a time.
 */
export class Kernels {
  readonly run: KernelFunctions;
  readonly buffer: ArrayBuffer;
  readonly view: DataView;
  /** For what lives as long as a connection, or the thread. */
  readonly fixed: Memory;
  /** For the columns of the table that is being read. */
  readonly columns: Memory;
  readonly #fixedRegions = new Regions(STATIC_BYTES, FIXED_BYTES);
  readonly #columnRegions = new Regions(FIXED_BYTES, MEMORY_BYTES);
  readonly #scratch = new Map<ScratchName, Uint8Array<ArrayBuffer>>();

  constructor(module: WebAssembly.Module) {
    const pages = MEMORY_BYTES / PAGE_BYTES;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const abort = () => {
      throw new Error('a kernel was aborted');
    };
    const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
    // What assembly/ exports.
    this.run = exports as unknown as KernelFunctions;
    this.buffer = memory.buffer;
    const { buffer } = memory;
    this.view = new DataView(buffer);
    this.fixed = this.#memory(this.#fixedRegions);
    this.columns = this.#memory(this.#columnRegions);
  }

  /** Where the array lies in the kernels' memory; -1 if it does not. */
  address(array: ArrayBufferView): number {
    return array.buffer === this.buffer ? array.byteOffset : -1;
  }

  /** At least `length` bytes that keep their content only until the name is used again; undefined if there are too many. */
  scratch(name: ScratchName, length: number): Uint8Array<ArrayBuffer> | undefined {
    const known = this.#scratch.get(name);
    if (known !== undefined && known.length >= length) return known;
    const bytes = this.fixed.bytes(Math.max(length, 2 * (known?.length ?? 0)));
    if (this.address(bytes) < 0) return undefined;
    if (known !== undefined) this.fixed.release(known);
    this.#scratch.set(name, bytes);
    return bytes;
  }

  /** Most bytes of its memory that the table's columns have needed. */
  get columnBytes(): number {
    return this.#columnRegions.mostBytes;
  }

  /** The columns of the table before are used no more. */
  clearColumns(): void {
    this.#columnRegions.clear();
  }

  #memory(regions: Regions): Memory {
    const { buffer } = this;
    return {
      kernels: this,
      bytes: (length) => {
        const address = length > LARGEST_BYTES ? undefined : regions.take(length);
        return address === undefined ? new Uint8Array(length) : new Uint8Array(buffer, address, length);
      },
      release: (array) => {
        if (array.buffer === buffer) regions.release(array.byteOffset, array.byteLength);
      },
    };
  }
}

/** @throws if the machine lacks what the build needs, or memory for it */
export function openKernels(build: KernelBuild): Kernels {
  return new Kernels(new WebAssembly.Module(bytesOf(build)));
}

/** The fastest kernels that this machine can run; undefined where there is no WebAssembly, or no address space for it. */
export function fastestKernels(): Kernels | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  const build = BUILDS.find((one) => WebAssembly.validate(bytesOf(one)));
  if (build === undefined) return undefined;
  try {
    return openKernels(build);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function bytesOf(build: KernelBuild): Uint8Array {
  const root = path.dirname(createRequire(import.meta.url).resolve('lakeport/package.json'));
  return readFileSync(path.join(root, 'dist/kernels', FILES[build]));
}
