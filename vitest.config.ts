import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/harness/longest-first.js';

/** Integration tests start servers and real exports: and wait for them: on a small machine three files at a time are what it can take. */
const MAX_FILES = 3;

/** Tests of time, memory and scale want the machine to themselves. */
const ALONE = ['test/integration/export/scale*.test.ts'];

/** Where `.ci/run` wants the results as JSON. */
const report = process.env['LAKEPORT_TEST_REPORT'];

export default defineConfig({
  test: {
    globalSetup: 'test/servers/templates.ts',
    sequence: { sequencer: LongestFirst },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          maxWorkers: MAX_FILES,
          testTimeout: 300_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: MAX_FILES,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'scale',
          include: ALONE,
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
