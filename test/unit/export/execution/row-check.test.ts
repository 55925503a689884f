import { expect, it } from 'vitest';

import { LakeportError } from '../../../../src/errors.js';
import { RowCheck, type RowCheckOptions } from '../../../../src/export/execution/row-check.js';
import { TableProgress } from '../../../../src/export/execution/table-progress.js';
import type { RowCount } from '../../../../src/sources/source.js';
import { tablePlan } from '../../../harness/table-plans.js';

const refused = new LakeportError({ code: 'SOURCE_QUERY_FAILED', exit: 'unreachable', message: 'no more connections' });

/** Checks a table of two slices with three rows each. */
async function check(
  counts: readonly (RowCount | LakeportError | undefined)[],
  settings: Partial<Pick<RowCheckOptions, 'mode' | 'isHeld' | 'signal'>> = {},
) {
  const left = [...counts];
  const messages: string[] = [];
  const table = new TableProgress(tablePlan('t', { slices: 2 }));
  const rowCheck = new RowCheck({
    mode: 'count',
    count: () => {
      const next = left.shift();
      return next instanceof LakeportError ? Promise.reject(next) : Promise.resolve(next);
    },
    isHeld: () => Promise.resolve(true),
    observer: { message: (level, text) => void messages.push(`${level}: ${text}`) },
    signal: new AbortController().signal,
    ...settings,
  });
  rowCheck.begin(table);
  for (const slice of table.plan.slices) {
    table.takeSlice();
    table.finished(slice, { rows: 3, bytes: 1, files: [], unrepresentable: {} });
  }
  const result = await rowCheck.check(table).catch((error: unknown) => LakeportError.from(error).code);
  return { result, messages, counted: counts.length - left.length };
}
const inSnapshot = (rows: number) => ({ rows, ofSnapshot: true });
const now = (rows: number) => ({ rows, ofSnapshot: false });

it.each<[string, readonly (RowCount | undefined)[], string, number]>([
  ['equal to the snapshot count passes', [inSnapshot(6)], 'passed', 1],
  ['fewer than in the snapshot fails', [inSnapshot(7)], 'SLICES_DIFFER_FROM_TABLE', 1],
  ['more than in the snapshot fails', [inSnapshot(5)], 'SLICES_DIFFER_FROM_TABLE', 1],
  ['equal to the count after passes', [now(7), now(6)], 'passed', 2],
  ['fewer than two equal counts fails', [now(7), now(7)], 'SLICES_DIFFER_FROM_TABLE', 2],
  ['between two counts causes a warning', [now(5), now(7)], 'not_possible', 2],
])('a row count %s', async (_, counts, expected, asked) => {
  const { result, counted, messages } = await check(counts);
  expect([result, counted]).toEqual([expected, asked]);
  expect(messages).toHaveLength(expected === 'not_possible' ? 1 : 0);
});

it('a failed or unknown count causes a warning', async () => {
  const failed = await check([refused]);
  expect(failed).toMatchObject({ result: 'not_possible' });
  expect(failed.messages).toEqual([
    'warning: public.t: its rows could not be counted, so its 2 slices are not checked: no more connections',
  ]);
  expect((await check([now(7), refused])).messages[0]).toContain('7 rows before, 6 exported');
  expect((await check([undefined])).messages).toHaveLength(1);
});

it('a count taken after the locks were lost does not fail the table', async () => {
  const { result, messages } = await check([inSnapshot(0)], { isHeld: () => Promise.resolve(false) });
  expect(result).toBe('not_possible');
  expect(messages[0]).toContain('The snapshot was lost');
});

it('nothing is counted unless requested, and an interrupted run logs no warning', async () => {
  expect(await check([inSnapshot(7)], { mode: 'none' })).toMatchObject({ result: 'off', counted: 0, messages: [] });
  expect(await check([refused], { signal: AbortSignal.abort() })).toMatchObject({ messages: [] });
});
