/**
 * Loaded into the program before it starts (`NODE_OPTIONS=--import`), threads included: kills the process, as `kill -9`
 * does, at the point that LAKEPORT_TEST_CRASH names; or stops it there with LAKEPORT_TEST_CRASH_SIGNAL=SIGSTOP, until it
 * is told to go on. With LAKEPORT_TEST_CRASH_LOGGED, not before the run log says all that has happened. LAKEPORT_TEST_HOST makes the
 * machine another one.
 */
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';

const point = process.env.LAKEPORT_TEST_CRASH;
const signal = process.env.LAKEPORT_TEST_CRASH_SIGNAL ?? 'SIGKILL';
const isLogged = process.env.LAKEPORT_TEST_CRASH_LOGGED !== undefined;
const kind = process.env.LAKEPORT_TEST_CRASH_STORE ?? 'local';

/** The classes of the running program, loaded only where there is a point to reach. */
const targets = () => import(new URL('../../dist/bundle/bundled.js', import.meta.url).href);

/** The run's, once it has something to write. */
const logWriters = new Set();

async function crash() {
  for (const writer of logWriters) while (!(await writer.flush()));
  process.kill(process.pid, signal);
  // Nothing happens between SIGKILL and the end.
  if (signal === 'SIGKILL') await new Promise(() => undefined);
}

/** Crashes at the nth call that matches, before or after it. */
function at(prototype, method, { call = 1, when = 'before', matches = () => true } = {}) {
  const original = prototype[method];
  let calls = 0;
  prototype[method] = function (...parameters) {
    if (!matches(...parameters) || ++calls !== call) return original.apply(this, parameters);
    if (when === 'before') return crash().then(() => original.apply(this, parameters));
    return Promise.resolve(original.apply(this, parameters)).then(async (value) => {
      await crash();
      return value;
    });
  };
}

/** As `at`, for methods that return nothing to wait for. */
function atOnce(prototype, method, { call = 1, matches = () => true } = {}) {
  const original = prototype[method];
  let calls = 0;
  prototype[method] = function (...parameters) {
    if (matches(...parameters) && ++calls === call) process.kill(process.pid, signal);
    return original.apply(this, parameters);
  };
}

async function store() {
  if (kind === 'local') return (await targets()).LocalStorage.prototype;
  return (await targets()).ObjectStorage.prototype;
}

const ofBig = (path) => path.includes('/big/');

/** Crashes at a call of the writer of the nth part of the large table. */
async function atWriter(method, options) {
  const prototype = await store();
  const stage = prototype.stage;
  let parts = 0;
  prototype.stage = async function (path, ...rest) {
    const writer = await stage.call(this, path, ...rest);
    if (ofBig(path) && ++parts === (options.part ?? 1)) at(writer, method, options);
    return writer;
  };
}

/** As `at`, for a method of the storages that the main thread publishes with, before these look at the run's claim. */
async function beforeClaim(method, { call = 1, matches }) {
  const { OpenStorages } = await targets();
  const get = OpenStorages.prototype.get;
  let calls = 0;
  OpenStorages.prototype.get = function (id) {
    const storage = get.call(this, id);
    if (Object.getPrototypeOf(storage) !== Object.prototype) return storage;
    const stopping = async (...parameters) => {
      if (matches(...parameters) && ++calls === call) await crash();
      return storage[method](...parameters);
    };
    return { ...storage, [method]: stopping };
  };
}

const POINTS = {
  'before _SUCCESS goes': () =>
    beforeClaim('remove', { matches: (paths) => paths.some((path) => ofBig(path) && path.endsWith('/_SUCCESS')) }),
  'before the first part is published': () => beforeClaim('publish', { matches: (part) => ofBig(part.path) }),
  'before stale parts go': () =>
    beforeClaim('remove', { matches: (paths) => paths.some((path) => ofBig(path) && path.endsWith('.parquet')) }),
  'before _SUCCESS comes': () => beforeClaim('put', { matches: (path) => ofBig(path) && path.endsWith('/_SUCCESS') }),
  'before the run is marked in the target': async () => at(await store(), 'beginRun'),
  'before the tables are claimed': async () => at(await store(), 'claim'),
  'before the first row': async () => at((await targets()).ExportCoordinator.prototype, 'execute'),
  'in the middle of a slice': async () => {
    const { SliceSink } = await targets();
    atOnce(SliceSink.prototype, 'commit', { call: 3 });
  },
  'before the first bytes of a part': () => atWriter('write', { when: 'before' }),
  'before a part is complete': () => atWriter('end', { when: 'before' }),
  'when a part is complete and nobody knows': () => atWriter('end', { when: 'after' }),
  'when a slice is staged and not logged': async () => {
    const { RunRecorder } = await targets();
    atOnce(RunRecorder.prototype, 'sliceStaged', { call: 3 });
  },
  'when some slices are staged and logged': async () => {
    const { RunRecorder } = await targets();
    const { WorkerPool } = await targets();
    const run = WorkerPool.prototype.run;
    const staged = RunRecorder.prototype.sliceStaged;
    let count = 0;
    RunRecorder.prototype.sliceStaged = function (table, ...rest) {
      staged.call(this, table, ...rest);
      if (table.name === 'big' && ++count === 3) void crash();
    };
    // The others never begin, so that none is in the middle of a request.
    let begun = 0;
    WorkerPool.prototype.run = function (task, ...rest) {
      if (task.dataset.id.name === 'big' && ++begun > 3) return new Promise(() => undefined);
      return run.call(this, task, ...rest);
    };
  },
  'between staging and publishing': async () => at(await store(), 'publish', { matches: (part) => ofBig(part.path) }),
  'in the middle of publishing': async () =>
    at(await store(), 'publish', { matches: (part) => ofBig(part.path), call: 3, when: 'after' }),
  'before stale parts are removed': async () =>
    at(await store(), 'remove', { matches: (paths) => paths.some((path) => ofBig(path) && path.endsWith('.parquet')) }),
  'before the manifest': async () =>
    at(await store(), 'put', { matches: (path) => path.endsWith('/_big.manifest.json') }),
  'between manifest and _SUCCESS': async () =>
    at(await store(), 'put', { matches: (path) => ofBig(path) && path.endsWith('/_SUCCESS') }),
  'between _SUCCESS and the log': async () =>
    at(await store(), 'put', { matches: (path) => ofBig(path) && path.endsWith('/_SUCCESS'), when: 'after' }),
  'before the end of a table is logged': async () => {
    const { RunRecorder } = await targets();
    atOnce(RunRecorder.prototype, 'tableEnded', { matches: (result) => result.table.name === 'big' });
  },
  'between entity files and metadata': async () =>
    at(await store(), 'put', { matches: (path) => path.endsWith('.manifest.cdm.json') }),
  'before the end of the run is logged': async () => {
    const { RunRecorder } = await targets();
    atOnce(RunRecorder.prototype, 'ended');
  },
  'before merged files are published': () =>
    beforeClaim('publish', { matches: (part) => /\/part-00003-/.test(part.path) }),
  'before the manifest of a compaction': () =>
    beforeClaim('put', { matches: (path) => path.endsWith('.manifest.json'), call: 2 }),
  'before merged files go': () =>
    beforeClaim('remove', { matches: (paths) => paths.some((path) => path.endsWith('.parquet')) }),
  'before the target is given back': async () => at(await store(), 'endRun'),
};

if (process.env.LAKEPORT_TEST_HOST !== undefined) {
  os.hostname = () => process.env.LAKEPORT_TEST_HOST;
  syncBuiltinESMExports();
}
if (point !== undefined) {
  if (POINTS[point] === undefined) throw new Error(`There is no crash point ${point}`);
  await POINTS[point]();
  if (isLogged) {
    const { LogWriter } = await targets();
    const changed = LogWriter.prototype.changed;
    LogWriter.prototype.changed = function () {
      logWriters.add(this);
      changed.call(this);
    };
  }
}
