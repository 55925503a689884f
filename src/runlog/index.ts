/** The run log: the history of runs, what a resume needs, and users' own settings for tables. */

export type {
  FileRecord,
  LoggedError,
  PartitionRecord,
  RunHistory,
  RunRecord,
  RunSummary,
  SyncRecord,
  TableRecord,
  WatermarkRecord,
} from './model/run-history.js';
export type { ActiveRun } from './recorder/active-run.js';
export { type LogListener, logMessages } from './recorder/log-listener.js';
export type { ShownState } from './model/run-outcome.js';
export { openRunLog, type RunLog } from './run-log.js';
export type { WorkerRow } from './model/rows.js';
export type { AnnouncedSnapshot, WorkerSlice } from './model/worker.js';
export type { LivingRun, LoggedWorker, LogMode, RunWorkers, SchemaStatus, SyncLock } from './store/log-store.js';
export { openDialect } from './open-dialect.js';
export { readTableSettings } from './store/table-overrides.js';
export type { RecordedOverride } from '../export/model/recorded-override.js';
export { embeddedLog, type RunLogTarget } from './target.js';
