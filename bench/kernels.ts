import os from 'node:os';

import type { ColumnBuffer } from '../src/columns/column-buffer.js';
import { createColumnBuffers } from '../src/columns/column-buffers.js';
import type { ParquetType } from '../src/columns/column-spec.js';
import { type KernelBuild, openKernels, type Memory } from '../src/kernels/kernels.js';
import { HEAP, integers } from '../src/kernels/memory.js';
import { createCompressor } from '../src/parquet/codec.js';
import { PageEncoder } from '../src/parquet/page-encoder.js';
import { pageBounds } from '../src/parquet/page-statistics.js';
import { bindField as bindMssqlField } from '../src/sources/mssql/decode/decoders.js';
import type { WireType } from '../src/sources/mssql/tds/wire-type.js';
import { bindField } from '../src/sources/postgres/decode/decoders.js';
import type { ColumnDecoder } from '../src/sources/source.js';
import { tdsBenches, tdsLength } from './kernels-tds.js';

/*
 * `npm run bench:kernels`: nanoseconds a value for decoding and for making pages, each kernel beside the TypeScript that it
 * stands in for, in turn; the median of the rounds. Values are in the wire format of a COPY, then in that of SQL Server.
 */

const ROWS = 1 << 17;
const BATCH = 1024;
const ROUNDS = 9;
/** As the writer cuts them. */
const PAGE_BYTES = 1 << 20;

let state = 1;
function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** Digits before and behind the point, in groups of four. */
function numeric(whole: readonly number[], fraction: readonly number[]): Buffer {
  const groups = [...whole, ...fraction];
  const bytes = Buffer.alloc(8 + groups.length * 2);
  bytes.writeUInt16BE(groups.length, 0);
  bytes.writeInt16BE(whole.length - 1, 2);
  bytes.writeUInt16BE(fraction.length * 4, 6);
  groups.forEach((group, i) => bytes.writeUInt16BE(group, 8 + i * 2));
  return bytes;
}

const text = (length: number) => Buffer.from(Array.from({ length }, () => 97 + random(26)));
const instructions = Array.from({ length: 7 }, (_, i) => Buffer.from(`DELIVER IN PERSON, DAY ${i} `));
const names = Array.from({ length: 5000 }, () => text(16));
const words = Array.from({ length: 7 }, (_, i) => Buffer.from(`SHIP MODE ${i}`));

interface Bench {
  readonly name: string;
  readonly type: ParquetType;
  readonly decoder: ColumnDecoder;
  readonly dictionary?: boolean;
  /** Of SQL Server's types. */
  readonly wire?: WireType;
  readonly field: () => Buffer | undefined;
}

const decimal = (
  precision: number,
  scale: number,
  physical: ParquetType['physical'],
  length?: number,
): ParquetType => ({
  physical,
  ...(length !== undefined && { length }),
  logical: { kind: 'decimal', precision, scale },
});

const texts = (
  name: string,
  field: Bench['field'],
  { dictionary = false }: { readonly dictionary?: boolean } = {},
): Bench => ({
  name,
  type: { physical: 'BYTE_ARRAY', logical: { kind: 'string' } },
  decoder: { kind: 'text' },
  dictionary,
  field,
});

const BENCHES: readonly Bench[] = [
  { name: 'int4', type: { physical: 'INT32' }, decoder: { kind: 'int4' }, field: () => integer(random(1e9)) },
  {
    name: 'int4, dictionary of 10,000',
    type: { physical: 'INT32' },
    decoder: { kind: 'int4' },
    dictionary: true,
    field: () => integer(random(10_000)),
  },
  {
    name: 'date, dictionary of 2,500',
    type: { physical: 'INT32', logical: { kind: 'date' } },
    decoder: { kind: 'date' },
    dictionary: true,
    field: () => integer(random(2500)),
  },
  { name: 'int8', type: { physical: 'INT64' }, decoder: { kind: 'int8' }, field: () => long(random(1e15)) },
  {
    name: 'int8, dictionary of 100',
    type: { physical: 'INT64' },
    decoder: { kind: 'int8' },
    dictionary: true,
    field: () => long(random(100)),
  },
  {
    name: 'int4, half NULL',
    type: { physical: 'INT32' },
    decoder: { kind: 'int4' },
    field: () => (random(2) === 0 ? undefined : integer(random(1e9))),
  },
  { name: 'timestamp', type: { physical: 'INT64' }, decoder: { kind: 'timestamp' }, field: () => long(random(1e15)) },
  { name: 'boolean', type: { physical: 'BOOLEAN' }, decoder: { kind: 'bool' }, field: () => Buffer.of(random(2)) },
  {
    name: 'uuid',
    type: { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16 },
    decoder: { kind: 'uuid' },
    field: () => text(16),
  },
  {
    name: 'numeric(15,2)',
    type: decimal(15, 2, 'INT64'),
    decoder: { kind: 'numeric', precision: 15, scale: 2 },
    field: () => numeric([1 + random(9), random(10_000)], [random(100) * 100]),
  },
  {
    name: 'numeric(18,6)',
    type: decimal(18, 6, 'INT64'),
    decoder: { kind: 'numeric', precision: 18, scale: 6 },
    field: () => numeric([1 + random(9), random(10_000)], [random(10_000), random(100) * 100]),
  },
  {
    name: 'numeric(38,8)',
    type: decimal(38, 8, 'FIXED_LEN_BYTE_ARRAY', 16),
    decoder: { kind: 'numeric', precision: 38, scale: 8 },
    field: () => numeric([1 + random(9), random(10_000), random(10_000)], [random(10_000), random(10_000)]),
  },
  texts('text of 10, dictionary of 7', () => words[random(7)], { dictionary: true }),
  texts('text of 1, dictionary of 3', () => words[random(3)]?.subarray(-1), { dictionary: true }),
  texts('text of 25, dictionary of 7', () => instructions[random(7)], { dictionary: true }),
  texts('text of 16, dictionary of 5,000', () => names[random(5000)], { dictionary: true }),
  texts('text of 10 to 43', () => text(10 + random(34))),
  texts('text of 330', () => text(300 + random(60))),
];

type Batch = ReturnType<typeof lay>;

/** A batch of rows on the wire, with the offsets of a scanner. */
function lay({ field, wire }: Bench, memory: Memory) {
  const fields = Array.from({ length: BATCH }, () => {
    const one = field();
    return one && { one, length: wire === undefined ? integer(one.length) : tdsLength(wire, one) };
  });
  const bytes = memory.bytes(fields.reduce((sum, part) => sum + (part ? part.length.length + part.one.length : 0), 64));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const offsets = integers(memory, BATCH);
  let at = 0;
  fields.forEach((part, i) => {
    if (part === undefined) {
      offsets[i] = -1;
      return;
    }
    bytes.set(part.length, at);
    bytes.set(part.one, at + part.length.length);
    offsets[i] = at + part.length.length;
    at += part.length.length + part.one.length;
  });
  return { wire: { bytes, view }, offsets };
}

function bind({ name, decoder, wire }: Bench, column: ColumnBuffer) {
  if (wire === undefined) return bindField(decoder, column, { onUnrepresentable: 'error' });
  const field = bindMssqlField(decoder, column, wire);
  if (field === undefined) throw new Error(`${name} has no decoder`);
  return field;
}

function contender(bench: Bench, memory: Memory) {
  const { type, dictionary = false } = bench;
  const spec = { name: 'c', fieldId: 1, nullable: true, list: false, type, sourceType: '', fidelity: 'exact' as const };
  const [column] = createColumnBuffers([spec], { rowGroupRows: 1_000_000, memory }) as [ColumnBuffer];
  const bound = bind(bench, column);
  const batches = Array.from({ length: 32 }, () => lay(bench, memory));
  const dense = integers(memory, BATCH + 1);
  const encoder = new PageEncoder(createCompressor('None'), { encoding: 'plain' });
  const run = () => {
    column.startRowGroup();
    if (!dictionary) column.abandonDictionary();
    let decoding = 0n;
    let paging = 0n;
    for (let done = 0; done < ROWS; done += BATCH) {
      const start = process.hrtime.bigint();
      const { wire, offsets } = batches[(done / BATCH) % batches.length] as Batch; // within the length
      if (column.levels.appendOffsets(offsets, 0, BATCH) === 0) bound.decode(wire, offsets, 0, BATCH);
      else {
        const present =
          memory.kernels?.run.dense(offsets.byteOffset, BATCH, dense.byteOffset) ?? compact(offsets, dense);
        bound.decode(wire, dense, 0, present);
      }
      const decoded = process.hrtime.bigint();
      decoding += decoded - start;
      if (column.pageLength < PAGE_BYTES && done + BATCH < ROWS) continue;
      pageBounds(column);
      encoder.dataPage(column, undefined);
      column.clearPage();
      paging += process.hrtime.bigint() - decoded;
    }
    return [Number(decoding) / ROWS, Number(paging) / ROWS] as const;
  };
  return { run, times: [] as (readonly [number, number])[] };
}

function compact(offsets: Int32Array, dense: Int32Array): number {
  let count = 0;
  for (const offset of offsets) if (offset >= 0) dense[count++] = offset;
  return count;
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;

console.log(`Node ${process.version}, ${os.cpus()[0]?.model ?? 'unknown processor'}; ns a value: decode / page`);
const builds: readonly KernelBuild[] = ['simd', 'scalar'];
console.log(`${''.padEnd(30)}${['TypeScript', ...builds].map((name) => name.padStart(18)).join('')}`);
const all: readonly Bench[] = [...BENCHES, ...tdsBenches(random)];
let engine = '';
for (const bench of all) {
  const own = bench.wire === undefined ? 'PostgreSQL' : 'SQL Server';
  if (engine !== own) console.log(own);
  engine = own;
  const contenders = [HEAP, ...builds.map((build) => openKernels(build).columns)].map((memory) =>
    contender(bench, memory),
  );
  for (let round = 0; round < ROUNDS; round++) for (const one of contenders) one.times.push(one.run());
  const cells = contenders.map(
    ({ times }) => [0, 1].map((part) => median(times.map((time) => time[part] as number)).toFixed(1)).join(' / '), // both are there
  );
  console.log(`${bench.name.padEnd(30)}${cells.map((cell) => cell.padStart(18)).join('')}`);
}
