import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/harness/longest-first.js';

/** Integration tests start servers and real exports: and wait for them: on a small machine three files at a time are what it can take. */
const MAX_FILES = 3;

/** Tests of time, memory and scale want the machine to themselves. */
const ALONE = ['test/integration/export/scale*.test.ts'];

/** They replace modules, which no other file must see. */
const WITH_MODULES_REPLACED = ['test/unit/export/worker/slice-worker.test.ts'];

/** Where `.ci/run` wants the results as JSON. */
const report = process.env['LAKEPORT_TEST_REPORT'];

/** Of all projects. Modules are loaded once a process, not once a file, which takes a second of a core or two. */
const common = {
  setupFiles: 'test/harness/setup.ts',
  isolate: false,
  testTimeout: 300_000,
  // The built program is loaded as users load it: Vitest would transform its megabytes first.
  server: { deps: { external: [/\/dist\//] } },
};

export default defineConfig({
  test: {
    globalSetup: 'test/servers/templates.ts',
    sequence: { sequencer: LongestFirst },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html'] },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: WITH_MODULES_REPLACED,
          maxWorkers: MAX_FILES,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          isolate: true,
          name: 'unit, isolated',
          include: WITH_MODULES_REPLACED,
          maxWorkers: MAX_FILES,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: ALONE,
          maxWorkers: MAX_FILES,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'scale',
          include: ALONE,
          maxWorkers: 1,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
