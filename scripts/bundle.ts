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
];

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
    'log-thread': 'src/runlog/thread/log-thread.ts',
    // What tests use of the bundle. Not part of the package.
    bundled: 'test/harness/bundled.ts',
  },
  // Where a package has both, its modules for bundlers: a bundler cannot follow how the others load each other.
  resolve: { mainFields: ['module', 'main'] },
  // As in Node.js 21 and later. Without it, `pg` detects Cloudflare by a Response, which takes 40 ms to load in each thread.
  transform: { define: { navigator: JSON.stringify({ userAgent: 'Node.js' }) } },
  external: (id) => EXTERNAL.some((name) => id === name || id.startsWith(`${name}/`)),
});
await bundle.write({
  dir: OUTPUT,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
});
await bundle.close();
