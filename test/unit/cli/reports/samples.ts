import { wholeTable } from '../../../../src/model/dataset.js';
import type { ColumnSpec } from '../../../../src/columns/column-spec.js';
import { Output } from '../../../../src/cli/terminal/output.js';
import type { RunPlan, TablePlan } from '../../../../src/export/model/plan.js';
import type { RunResult, TableResult } from '../../../../src/export/model/result.js';
import { Writable } from 'node:stream';

/** Small plans and results for tests of what is shown of them. */

export function column(spec: Partial<ColumnSpec> & { readonly name: string }): ColumnSpec {
  return {
    fieldId: 1,
    nullable: true,
    list: false,
    type: { physical: 'INT32' },
    sourceType: 'integer',
    fidelity: 'exact',
    ...spec,
  };
}

export function tablePlan(table: {
  readonly name: string;
  readonly estimatedRows?: number | undefined;
  readonly columns?: readonly ColumnSpec[];
  readonly slices?: number;
  readonly kind?: TablePlan['kind'];
}): TablePlan {
  const { name, estimatedRows, columns = [column({ name: 'id' })], slices = 1, kind = 'table' } = table;
  return {
    dataset: wholeTable({ schema: 's', name }),
    id: { schema: 's', name },
    kind,
    estimatedRows,
    estimatedBytes: estimatedRows === undefined ? undefined : estimatedRows * 100,
    columns: columns.map((spec) => ({ spec, expression: spec.name, decoder: { kind: 'int4' } })),
    method: slices === 1 ? 'None' : 'Ctid',
    degree: Math.min(slices, 2),
    slices: Array.from({ length: slices }, (_, index) => ({
      index,
      method: 'Ctid',
      bounds: `slice ${index}`,
      query: 'SELECT',
      estimatedRows: estimatedRows === undefined ? undefined : estimatedRows / slices,
    })),
    storageId: '--output_dir',
    directory: `s/${name}`,
    displayPath: `out/s/${name}`,
  };
}

export function plan(overrides: Partial<RunPlan> = {}): RunPlan {
  return {
    server: { product: 'PostgreSQL 17.9', address: 'db:5432', database: 'shop' },
    snapshot: { consistency: 'run', token: 't', id: '1:1:', takenAt: '2026-01-01T00:00:00Z' },
    tables: [],
    problems: [],
    skipped: [],
    leftOut: [],
    readers: 2,
    connections: 3,
    readerMemory: { rowGroupBytes: 100_000_000, columnBytes: 46_000_000, batchBytes: 4_000_000, uploadBytes: 0 },
    ...overrides,
  };
}

export function tableResult(overrides: Partial<Omit<TableResult, 'table'>> & { readonly name: string }): TableResult {
  const { name, ...rest } = overrides;
  return {
    table: { schema: 's', name },
    state: 'completed',
    rows: 0,
    files: 1,
    bytes: 100,
    seconds: 1,
    storageId: '--output_dir',
    path: `out/s/${name}`,
    unrepresentable: {},
    error: undefined,
    ...rest,
  };
}

export function runResult(tables: readonly TableResult[], overrides: Partial<RunResult> = {}): RunResult {
  const sum = (amount: (table: TableResult) => number) => tables.reduce((total, table) => total + amount(table), 0);
  return {
    runId: '123e4567-e89b-42d3-a456-426614174000',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:02.000Z',
    seconds: 2,
    consistency: 'run',
    tables,
    skipped: [],
    rows: sum(({ rows }) => rows),
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    exit: undefined,
    ...overrides,
  };
}

/** An output that keeps what is written, as a terminal or not. */
export function captured(options: { readonly terminal?: boolean; readonly environment?: NodeJS.ProcessEnv } = {}) {
  const chunks: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  const stream = Object.assign(sink, { isTTY: options.terminal ?? false, columns: 80, rows: 24 });
  // Of a terminal's stream, `Output` uses no more than these.
  const output = new Output(stream as unknown as NodeJS.WriteStream, options.environment ?? {});
  return { output, text: () => chunks.join('') };
}
