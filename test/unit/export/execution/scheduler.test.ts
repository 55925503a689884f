import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type Assignment, Scheduler } from '../../../../src/export/execution/scheduler.js';
import type { TablePlan } from '../../../../src/export/model/plan.js';
import { TableProgress } from '../../../../src/export/execution/table-progress.js';
import { tablePlan } from '../../../harness/table-plans.js';

function progressOf(plans: readonly TablePlan[]): TableProgress[] {
  return plans.map((plan) => new TableProgress(plan));
}

function takeAll(scheduler: Scheduler, readers: number): string[] {
  const taken: string[] = [];
  for (let i = 0; i < readers; i++) {
    const assignment = scheduler.next({ startTables: true });
    if (assignment === undefined) break;
    taken.push(`${assignment.table.plan.id.name}${assignment.slice.index}`);
  }
  return taken;
}

describe('the scheduler', () => {
  it('starts the largest tables first, up to the limit, then adds readers to them', () => {
    const tables = ['a', 'b', 'c'].map((name) => tablePlan(name, { slices: 4, degree: 2 }));
    expect(takeAll(new Scheduler(progressOf(tables), { jobs: 2 }), 10)).toEqual(['a0', 'b0', 'a1', 'b1']);
  });

  it('gives a single big table all readers', () => {
    const tables = [tablePlan('a', { slices: 8, degree: 4 })];
    expect(takeAll(new Scheduler(progressOf(tables), { jobs: 4 }), 10)).toEqual(['a0', 'a1', 'a2', 'a3']);
  });

  it('starts no tables if told not to', () => {
    const scheduler = new Scheduler(progressOf([tablePlan('a', { slices: 2, degree: 2 }), tablePlan('b')]), {
      jobs: 2,
    });
    scheduler.next({ startTables: true });
    expect(scheduler.next({ startTables: false })?.table.plan.id.name).toBe('a');
    expect(scheduler.next({ startTables: false })).toBeUndefined();
    expect(scheduler.next({ startTables: true })?.table.plan.id.name).toBe('b');
  });

  it('assigns a requeued slice before the others', () => {
    const scheduler = new Scheduler(progressOf([tablePlan('a', { slices: 3, degree: 1 })]), { jobs: 1 });
    const { table, slice } = scheduler.next({ startTables: true })!;
    table.requeue(slice);
    expect(takeAll(scheduler, 1)).toEqual(['a0']);
  });

  it('assigns each slice once, within the limits of tables and readers, in the order of tables', () => {
    const tables = fc.array(
      fc.record({ slices: fc.integer({ min: 1, max: 9 }), degree: fc.integer({ min: 1, max: 4 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    const order = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(
        tables,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 8 }),
        order,
        (all, jobs, readers, choice) => {
          const plans = all.map((options, index) => tablePlan(`t${index}-`, options));
          const scheduler = new Scheduler(progressOf(plans), { jobs });
          const busy: Assignment[] = [];
          const seen: string[] = [];
          const started: string[] = [];
          while (!scheduler.isEmpty) {
            for (;;) {
              const next = busy.length < readers ? scheduler.next({ startTables: true }) : undefined;
              if (next === undefined) break;
              busy.push(next);
              seen.push(next.slice.query);
              const { name } = next.table.plan.id;
              if (!started.includes(name)) started.push(name);
            }
            // At least one reader is busy while slices are left.
            expect(busy.length).toBeGreaterThan(0);
            const inProgress = new Set(busy.map(({ table }) => table));
            expect(inProgress.size).toBeLessThanOrEqual(jobs);
            for (const table of inProgress) {
              expect(busy.filter((one) => one.table === table).length).toBeLessThanOrEqual(table.plan.degree);
            }
            const [ended] = busy.splice(choice.next().value % busy.length, 1);
            ended!.table.finished(ended!.slice, { rows: 0, bytes: 0, unrepresentable: {}, files: [] });
            if (ended!.table.isComplete) scheduler.release(ended!.table);
          }
          expect(seen.sort()).toEqual(plans.flatMap((plan) => plan.slices.map((slice) => slice.query)).sort());
          expect(started).toEqual(plans.map((plan) => plan.id.name));
        },
      ),
    );
  });
});
