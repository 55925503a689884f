import { describe, expect, it } from 'vitest';

import { readerBudget, usefulReaders } from '../../../../src/export/planning/reader-budget.js';

describe('the number of readers', () => {
  it.each([
    ['auto', 4, 8, { perTable: 8, total: 8 }],
    ['auto', 1, 2, { perTable: 2, total: 2 }],
    [3, 4, 8, { perTable: 3, total: 12 }],
    [1, 2, 8, { perTable: 1, total: 2 }],
    [0, 4, 8, { perTable: 8, total: 32 }],
    [-1, 4, 8, { perTable: 8, total: 32 }],
    [-2, 2, 8, { perTable: 4, total: 8 }],
    [-3, 2, 8, { perTable: 2, total: 4 }],
    [-100, 2, 8, { perTable: 1, total: 2 }],
  ] as const)('for -p %s, --n-jobs %s on %s cores is %o', (parallel, jobs, cores, budget) => {
    expect(readerBudget({ parallel, jobs, cores })).toEqual({ ...budget, isAsked: parallel !== 'auto' });
  });

  it.each([
    ['as many as the largest tables in progress can have', [1, 4, 4, 2], { jobs: 2, total: 100 }, 8],
    ['never more than the budget', [4, 4, 4], { jobs: 3, total: 5 }, 5],
    ['one for a single small table', [1], { jobs: 4, total: 8 }, 1],
    ['none for nothing', [], { jobs: 4, total: 8 }, 0],
  ])('that can be busy is %s', (_, degrees, limits, readers) => {
    expect(usefulReaders(degrees, limits)).toBe(readers);
  });
});
