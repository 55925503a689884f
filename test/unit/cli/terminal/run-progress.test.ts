import { describe, expect, it } from 'vitest';

import { progressLines } from '../../../../src/cli/terminal/progress-display.js';
import { RunProgress } from '../../../../src/cli/terminal/run-progress.js';
import { plan, tablePlan, tableResult } from '../reports/samples.js';

const WINDOW = { columns: 100, rows: 24 };

function progressOf(tables: Parameters<typeof tablePlan>[0][]) {
  let now = 0;
  const progress = new RunProgress(() => now);
  progress.planned(plan({ tables: tables.map(tablePlan) }));
  return {
    progress,
    wait: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

const table = (name: string) => ({ schema: 's', name });

describe('the share of a run', () => {
  it('is weighed by estimated rows', () => {
    const { progress } = progressOf([
      { name: 'big', estimatedRows: 900 },
      { name: 'small', estimatedRows: 100 },
    ]);
    expect(progress.share()).toBe(0);
    progress.tableStarted(table('big'));
    progress.tableProgress(table('big'), { rows: 450, bytes: 0 });
    expect(progress.share()).toBeCloseTo(0.45);
    progress.tableEnded(tableResult({ name: 'big', rows: 900 }));
    expect(progress.share()).toBeCloseTo(0.9);
    progress.tableFailed(table('small'));
    expect(progress.share()).toBe(1);
  });

  it('never says that a table in progress is done, however wrong its estimate', () => {
    const { progress } = progressOf([{ name: 'a', estimatedRows: 10 }]);
    progress.tableStarted(table('a'));
    progress.tableProgress(table('a'), { rows: 5_000, bytes: 0 });
    expect(progress.share()).toBeLessThan(1);
  });

  it('is not known while a table has no estimate', () => {
    const { progress, wait } = progressOf([
      { name: 'a', estimatedRows: undefined },
      { name: 'b', estimatedRows: 0 },
      { name: 'c', estimatedRows: 10 },
    ]);
    for (const name of ['a', 'b', 'c']) progress.tableStarted(table(name));
    progress.tableProgress(table('c'), { rows: 5, bytes: 5 });
    wait(10_000);
    expect([progress.share(), progress.secondsLeft()]).toEqual([undefined, undefined]);
    expect(progressLines(progress, WINDOW).join('\n').match(/\d+ %/g)).toEqual(['50 %']);
    progress.tableEnded(tableResult({ name: 'a', rows: 3 }));
    expect(progress.share()).toBeGreaterThan(0);
    // It was said to be empty.
    progress.tableProgress(table('b'), { rows: 7, bytes: 7 });
    expect(progress.share()).toBeUndefined();
    progress.tableEnded(tableResult({ name: 'b', rows: 7 }));
    progress.tableEnded(tableResult({ name: 'c', rows: 10 }));
    expect(progress.share()).toBe(1);
  });
});

describe('sums', () => {
  it('count every row once', () => {
    const { progress } = progressOf([{ name: 'a', estimatedRows: 10 }]);
    progress.tableProgress(table('a'), { rows: 4, bytes: 40 });
    progress.tableProgress(table('a'), { rows: 7, bytes: 70 });
    progress.tableEnded(tableResult({ name: 'a', rows: 9 }));
    progress.tableEnded(tableResult({ name: 'a', rows: 9 }));
    expect([progress.rows, progress.bytes, progress.endedTables, progress.failedTables]).toEqual([9, 70, 1, 0]);
  });

  it('count a failed table once, whether it is told once or twice', () => {
    const { progress } = progressOf([{ name: 'a', estimatedRows: 10 }]);
    progress.tableFailed(table('a'));
    progress.tableEnded(tableResult({ name: 'a', state: 'failed' }));
    expect([progress.endedTables, progress.failedTables]).toEqual([1, 1]);
  });
});

describe('the rate', () => {
  it('is that of the last seconds', () => {
    const { progress, wait } = progressOf([{ name: 'a', estimatedRows: 1_000 }]);
    wait(1_000);
    progress.tableProgress(table('a'), { rows: 1, bytes: 1_000_000 });
    expect(progress.bytesPerSecond()).toBeCloseTo(1_000_000, -3);
    for (let second = 0; second < 20; second++) {
      wait(1_000);
      progress.tableProgress(table('a'), { rows: 1, bytes: 1_000_000 });
    }
    expect(progress.bytesPerSecond()).toBe(0);
  });

  it('gives the time left once there is something to go by', () => {
    const { progress, wait } = progressOf([{ name: 'a', estimatedRows: 1_000 }]);
    progress.tableStarted(table('a'));
    wait(1_000);
    progress.tableProgress(table('a'), { rows: 1, bytes: 1 });
    expect(progress.secondsLeft()).toBeUndefined();
    wait(9_000);
    progress.tableProgress(table('a'), { rows: 250, bytes: 1 });
    expect(progress.secondsLeft()).toBeCloseTo(30);
  });
});

describe('the display', () => {
  it('shows the run and each table in progress', () => {
    const { progress, wait } = progressOf([
      { name: 'orders', estimatedRows: 1_000_000 },
      { name: 'guess', estimatedRows: undefined },
      { name: 'later', estimatedRows: 1_000_000 },
    ]);
    progress.tableStarted(table('orders'));
    wait(1);
    progress.tableStarted(table('guess'));
    wait(4_000);
    progress.tableProgress(table('orders'), { rows: 500_000, bytes: 80_000_000 });
    progress.tableProgress(table('guess'), { rows: 1_234, bytes: 0 });
    expect(progressLines(progress, WINDOW)).toEqual([
      '0 of 3 tables · 501 k rows · 20.0 MB/s',
      '  s.orders  ████████░░░░░░░░  50 %  500 k rows',
      '  s.guess                           1,234 rows',
    ]);
  });

  it('stays within the window, however many tables and however long their names', () => {
    const names = Array.from({ length: 30 }, (_, at) => `${'表'.repeat(60)}${at}`);
    const { progress } = progressOf(names.map((name) => ({ name, estimatedRows: 10 })));
    for (const name of names) progress.tableStarted(table(name));
    const lines = progressLines(progress, { columns: 40, rows: 8 });
    expect(lines).toHaveLength(7);
    expect(lines.at(-1)).toBe('  and 25 more in progress');
    // Such a letter takes two cells.
    for (const line of lines) expect(line.length + (line.match(/表/g)?.length ?? 0)).toBeLessThanOrEqual(40 - 2);
  });

  it('tells of failures', () => {
    const { progress } = progressOf([{ name: 'a', estimatedRows: 1 }]);
    progress.tableFailed(table('a'));
    expect(progressLines(progress, WINDOW)[0]).toContain('1 of 1 tables · 1 failed');
  });

  it('shows no control characters of a name', () => {
    const { progress } = progressOf([{ name: 'a\u001b[31m\nb', estimatedRows: 1 }]);
    progress.tableStarted(table('a\u001b[31m\nb'));
    expect(progressLines(progress, WINDOW)[1]).toContain('a\\x1b[31m\\nb');
  });
});
