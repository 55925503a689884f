import { expect, test } from 'vitest';
import { wholeTable } from '../../../../src/model/dataset.js';
import { LakeportError, type ErrorData } from '../../../../src/errors.js';
import type { ExportOptions } from '../../../../src/export/model/options.js';
import { planTables } from '../../../../src/export/planning/planner.js';
import type { PlanningContext } from '../../../../src/export/planning/planning-context.js';
import { ALL_COLUMNS } from '../../../../src/sources/column-choice.js';
import type { ReadColumn, Slice, Source } from '../../../../src/sources/source.js';
import { column } from '../../cli/reports/samples.js';

const failure = (data: Pick<ErrorData, 'code' | 'exit'> & { readonly transient?: boolean }) =>
  new LakeportError({ message: 'so it is', ...data });

function readColumn(name: string): ReadColumn {
  return { spec: column({ name }), expression: name, decoder: { kind: 'int4' } };
}

interface PlannedTable {
  readonly signal?: AbortSignal;
  /** LIKE patterns of those that the run asks for. */
  readonly columns?: readonly string[] | undefined;
}

/** Plans one table with the columns `id` and `note`, whose slicing question ends as it is told to. */
function planWith(
  slice: (...asked: Parameters<Source['slice']>) => Slice[],
  { signal = new AbortController().signal, columns }: PlannedTable = {},
) {
  const id = { schema: 's', name: 't' };
  const table = {
    dataset: wholeTable(id),
    id,
    kind: 'table' as const,
    estimatedRows: 1,
    estimatedBytes: 1,
  };
  // What planning asks of a source and its surroundings before, at and behind the slices.
  const source: Partial<Source> = {
    server: { product: 'Test', address: 'h:1', database: 'd' },
    listTables: () => Promise.resolve([table]),
    pin: () =>
      Promise.resolve({
        snapshot: { consistency: 'none', token: undefined, id: undefined, takenAt: '' },
        problems: [],
      }),
    describe: (_tables, { columnChoice = ALL_COLUMNS }) => {
      try {
        const taken = columnChoice.take(id, ['id', 'note']);
        return Promise.resolve([{ columns: [...taken].map(readColumn) }]);
      } catch (thrown) {
        return Promise.resolve([{ id, error: LakeportError.from(thrown) }]);
      }
    },
    slice: (...asked) => Promise.resolve().then(() => slice(...asked)),
    freeConnections: () => Promise.resolve(undefined),
  };
  const options: Partial<ExportOptions> = {
    schemaPatterns: [],
    includePatterns: [],
    excludePatterns: [],
    routes: [],
    parallel: 2,
    jobs: 1,
    largeTableThreshold: 1,
    consistency: 'none',
    subPath: '',
    columns: columns === undefined ? [] : [{ pattern: 't', value: columns }],
  };
  return planTables({
    options,
    source,
    storages: {
      defaultId: 'x',
      open: () => Promise.resolve({ capabilities: {}, display: (path: string) => path }),
      place: (id: string, path: string) => `${id}/${path}`,
    },
    observer: {},
    signal,
    overrides: { of: () => undefined, warnings: () => [], requireMatches: () => undefined, sortOf: () => [] },
  } as unknown as PlanningContext);
}

test('an error of one table fails only that table', async () => {
  const plan = await planWith(() => {
    throw failure({ code: 'PARTITION_KEY_UNKNOWN', exit: 'usage' });
  });
  expect(plan.problems).toMatchObject([{ error: { code: 'PARTITION_KEY_UNKNOWN' } }]);
});

test('a connection lost while slicing fails the whole plan, which can be retried', async () => {
  const lost = failure({ code: 'SOURCE_CONNECTION_LOST', exit: 'unreachable', transient: true });
  await expect(
    planWith(() => {
      throw lost;
    }),
  ).rejects.toMatchObject({ code: 'SOURCE_CONNECTION_LOST', transient: true });
});

test('a cancelled slicing query does not fail its table', async () => {
  const controller = new AbortController();
  const reason = failure({ code: 'INTERRUPTED', exit: 'interrupted' });
  const plan = planWith(
    () => {
      controller.abort(reason);
      throw failure({ code: 'UNEXPECTED', exit: 'tables-failed' });
    },
    { signal: controller.signal },
  );
  await expect(plan).rejects.toBe(reason);
});

test('only the columns that are asked for are sliced and read', async () => {
  let asked: string[] = [];
  await planWith(
    (_table, columns) => {
      asked = columns.map(({ spec }) => spec.name);
      throw failure({ code: 'UNEXPECTED', exit: 'usage' });
    },
    { columns: ['no%'] },
  );
  expect(asked).toEqual(['note']);
});

test('a pattern of columns that matches none is a mistake, and leaving none fails the table', async () => {
  await expect(planWith(() => [], { columns: ['id', 'nope'] })).rejects.toMatchObject({
    code: 'PATTERN_WITHOUT_MATCH',
  });
  const plan = await planWith(() => [], { columns: ['nope'] });
  expect(plan.problems).toMatchObject([{ id: { name: 't' }, error: { code: 'NO_COLUMN_LEFT' } }]);
});
