/** The run log: the history of runs, what a resume needs, and users' own settings for tables. */

export type {
  FileRecord,
  LoggedError,
  PartitionRecord,
  RunHistory,
  RunRecord,
  RunSummary,
  TableRecord,
} from './model/run-history.js';
export type { ActiveRun } from './recorder/active-run.js';
export { type LogListener, logMessages } from './recorder/log-listener.js';
export type { LoggedState, ShownState } from './model/run-outcome.js';
export type { NewRun } from './model/run-events.js';
export { openRunLog, type OpenLogOptions, type RunLog } from './run-log.js';
export type { RunRecorder } from './recorder/run-recorder.js';
export type { LivingRun, LogMode, SchemaStatus } from './store/log-store.js';
export { readTableSettings } from './store/table-overrides.js';
export type { RecordedOverride } from '../export/model/recorded-override.js';
export { EMBEDDED_LOG_ID, embeddedLog, type RunLogTarget, stateDirectory } from './target.js';
