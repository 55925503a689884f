import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';

import { rolldown } from 'rolldown';

/**
 * Joins the program's modules and its pure-JavaScript dependencies into a few files below dist/bundle: a process loads
 * some tens of files instead of many hundreds, in each of its threads. What is loaded lazily stays a file of its own.
 */

const ROOT = path.resolve(import.meta.dirname, '..');
const OUTPUT = path.join(ROOT, 'dist/bundle');

/** Native addons, which find their binaries beside themselves, and packages that only some users have or need. */
const EXTERNAL = [
  'iconv-lite',
  'yaml',
  '@photostructure/sqlite',
  '@toondepauw/node-zstd',
  'lz4-napi',
  'snappy',
  '@duckdb/node-api',
  'pg-native',
  // npm leaves it out on a Node.js that is too old for it; a package that is built there loads it as it is installed.
  ...(existsSync(path.join(ROOT, 'node_modules/pg-boss')) ? [] : ['pg-boss']),
];

/** What the queue's library loads for schedules, which lakeport does not have: a third of a coordinator's start. */
const UNUSED: Readonly<Record<string, string>> = {
  'cron-parser': 'export const CronExpressionParser = undefined;',
  'rrule-temporal': 'export const RRuleTemporal = undefined;',
};

/**
 * What a process loads together is one file: modules whose paths below src/ start so, and what they import, unless a group
 * above has it. Loading some hundred small files took a sixth of the time of a small export. All else is split as it is
 * loaded.
 */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  /** What every thread needs. */
  base: [
    ...['engines.ts', 'stores.ts', 'environment.ts', 'version.ts', 'model/', 'runtime/', 'text/'],
    ...['auth/redaction.ts', 'columns/column-spec.ts', 'export/model/', 'sources/patience.ts', 'storage/path.ts'],
  ],
  /** The command line: all that `--help` needs. */
  start: [
    ...['cli/dispatch.ts', 'cli/session.ts', 'cli/flags/', 'cli/logging/', 'cli/process/'],
    ...['cli/terminal/output.ts', 'cli/reports/failure.ts'],
  ],
  'run-log': ['runlog/store/database-log.ts', 'sources/sqlite/run-log/'],
  /** A reader, and what databases have in common. */
  reading: [
    ...['export/worker/slice-worker.ts', 'storage/local/index.ts', 'columns/', 'network/', 'sources/wire/'],
    ...['sources/partitioning/', 'sources/errors/', 'sources/rows/', 'sources/column-', 'sources/slice-order.ts'],
    ...['sources/metadata-collector.ts', 'sources/requested-rows.ts', 'sources/row-set.ts'],
  ],
  'postgres-reading': ['sources/postgres/reader.ts'],
  exporting: [
    ...['cli/commands/export.ts', 'cli/reports/summary.ts', 'export/export.ts', 'runlog/index.ts'],
    ...['runlog/thread/late-thread.ts', 'storage/local/auth-fields.ts'],
    ...['sources/auth-fields.ts', 'sources/connection-string-parts.ts', 'sources/other-server.ts'],
  ],
  postgres: ['sources/postgres/source.ts', 'sources/postgres/auth-fields.ts'],
};

/** V8 keeps and scans a file of ASCII alone at half the size. Without comments, all else is in strings and expressions. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

await rm(OUTPUT, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: ROOT,
  platform: 'node',
  input: {
    main: 'src/main.ts',
    index: 'src/index.ts',
    // The threads' entries, which lie beside the code that starts them.
    'worker-entry': 'src/export/worker/worker-entry.ts',
    'decode-worker': 'src/export/verify/decoding/decode-worker.ts',
    'compact-worker': 'src/export/compact/compact-worker.ts',
    'log-thread': 'src/runlog/thread/log-thread.ts',
    // What tests use of the bundle. Not part of the package.
    bundled: 'test/harness/bundled.ts',
  },
  // Where a package has both, its modules for bundlers: a bundler cannot follow how the others load each other.
  resolve: { mainFields: ['module', 'main'] },
  // As in Node.js 21 and later. Without it, `pg` detects Cloudflare by a Response, which takes 40 ms to load in each thread.
  transform: { define: { navigator: JSON.stringify({ userAgent: 'Node.js' }) } },
  plugins: [
    {
      name: 'unused',
      resolveId: (id) => (Object.hasOwn(UNUSED, id) ? `\0${id}` : undefined),
      load: (id) => UNUSED[id.slice(1)],
    },
  ],
  // Dynamic imports delay loading where the modules are not bundled; a group may join them with what imports them statically.
  checks: { ineffectiveDynamicImport: false },
  external: (id) => EXTERNAL.some((name) => id === name || id.startsWith(`${name}/`)),
});
await bundle.write({
  dir: OUTPUT,
  format: 'esm',
  comments: false,
  plugins: [
    {
      name: 'ascii',
      generateBundle: (_, files) => {
        for (const file of Object.values(files)) {
          if (file.type === 'chunk') file.code = file.code.replace(/[^\x00-\x7f]/g, escaped);
        }
      },
    },
  ],
  codeSplitting: {
    groups: Object.entries(GROUPS).map(([name, modules], i, { length }) => ({
      name,
      test: (id) => modules.some((module) => id.startsWith(path.join(ROOT, 'src', module))),
      priority: length - i,
    })),
  },
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
});
await bundle.close();
