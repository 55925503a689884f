/**
 * What tests use of the bundle that `bin/lakeport.js` runs: the classes that crash-points.js reaches into, storages in
 * processes of their own, and exports in a test's own process, whose worker threads then start as fast as the program's.
 */
export { runCommandLine } from './command-line.js';
export { readAuthFile } from '../../src/auth-file.js';
export { LakeportError } from '../../src/errors.js';
export { ExportCoordinator } from '../../src/export/execution/coordinator.js';
export { planExport, runExport } from '../../src/export/export.js';
export { OpenStorages } from '../../src/export/publish/open-storages.js';
export { SliceSink } from '../../src/export/worker/slice-sink.js';
export { WorkerPool } from '../../src/export/worker/worker-pool.js';
export { LogWriter } from '../../src/runlog/recorder/log-writer.js';
export { RunRecorder } from '../../src/runlog/recorder/run-recorder.js';
export { LocalStorage } from '../../src/storage/local/local-storage.js';
export { ObjectStorage } from '../../src/storage/object-storage.js';
export { openStorage } from '../../src/stores.js';
