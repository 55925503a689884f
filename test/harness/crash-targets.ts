/** What crash-points.js reaches into, in the bundle that `bin/lakeport.js` runs. */
export { ExportCoordinator } from '../../src/export/execution/coordinator.js';
export { OpenStorages } from '../../src/export/publish/open-storages.js';
export { SliceSink } from '../../src/export/worker/slice-sink.js';
export { WorkerPool } from '../../src/export/worker/worker-pool.js';
export { RunRecorder } from '../../src/runlog/recorder/run-recorder.js';
export { LocalStorage } from '../../src/storage/local/local-storage.js';
export { ObjectStorage } from '../../src/storage/object-storage.js';
