import { expect, test } from 'vitest';
import { LakeportError, type ErrorData } from '../../../../src/errors.js';
import type { ExportOptions } from '../../../../src/export/model/options.js';
import { type PlanningContext, planTables } from '../../../../src/export/planning/planner.js';
import type { Source } from '../../../../src/sources/source.js';

const failure = (data: Pick<ErrorData, 'code' | 'exit'> & { readonly transient?: boolean }) =>
  new LakeportError({ message: 'so it is', ...data });

/** Plans one table, whose slicing question ends as it is told to. */
function planWith(slice: () => never, signal = new AbortController().signal) {
  const id = { schema: 's', name: 't' };
  const table = { id, kind: 'table' as const, estimatedRows: 1, estimatedBytes: 1 };
  // What planning asks of a source and its surroundings before, at and behind the slices.
  const source: Partial<Source> = {
    server: { product: 'Test', address: 'h:1', database: 'd' },
    listTables: () => Promise.resolve([table]),
    pin: () =>
      Promise.resolve({
        snapshot: { consistency: 'none', token: undefined, id: undefined, takenAt: '' },
        problems: [],
      }),
    describe: () => Promise.resolve([{ columns: [] }]),
    slice: () => Promise.resolve().then(slice),
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
    overrides: { of: () => undefined, warnings: () => [] },
  } as unknown as PlanningContext);
}

test('what is wrong with one table is a problem of that table', async () => {
  const plan = await planWith(() => {
    throw failure({ code: 'PARTITION_KEY_UNKNOWN', exit: 'usage' });
  });
  expect(plan.problems).toMatchObject([{ error: { code: 'PARTITION_KEY_UNKNOWN' } }]);
});

test('a connection that is lost in a slicing question is the whole plan, which may be made again', async () => {
  const lost = failure({ code: 'SOURCE_CONNECTION_LOST', exit: 'unreachable', transient: true });
  await expect(
    planWith(() => {
      throw lost;
    }),
  ).rejects.toMatchObject({ code: 'SOURCE_CONNECTION_LOST', transient: true });
});

test('a slicing question that is given up is no failure of its table', async () => {
  const controller = new AbortController();
  const reason = failure({ code: 'INTERRUPTED', exit: 'interrupted' });
  const plan = planWith(() => {
    controller.abort(reason);
    throw failure({ code: 'UNEXPECTED', exit: 'tables-failed' });
  }, controller.signal);
  await expect(plan).rejects.toBe(reason);
});
