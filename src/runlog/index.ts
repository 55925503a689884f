/** The run log: history of runs, what a resume needs, and users' settings for tables. */

export type {
  FileRecord,
  LoggedError,
  PartitionRecord,
  RunHistory,
  RunRecord,
  RunSummary,
  TableRecord,
} from './history.js';
export type { LoggedRun } from './logged-run.js';
export { logMessages } from './log-messages.js';
export type { LogListener } from './log-writer.js';
export type { LoggedState, ShownState } from './rows.js';
export { type NewRun, openRunLog, type OpenLogOptions, type RunLog } from './run-log.js';
export type { RunRecorder } from './run-recorder.js';
export type { LivingRun, LogMode, SchemaStanding } from './store.js';
export { readTableSettings } from './read-table-settings.js';
export type { TableSettings } from '../export/table-settings.js';
export { EMBEDDED_LOG_ID, embeddedLog, type RunLogTarget, stateDirectory } from './target.js';
