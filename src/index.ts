/**
 * The public API: what `lakeport` and `lakeport plan` call themselves. docs/api.md describes it.
 * @packageDocumentation
 */

export { readAuthFile, type ReadAuthFileOptions } from './auth-file.js';
export type { AuthFile } from './auth/auth-file.js';
export { Redactor } from './auth/redaction.js';
export { type ErrorContext, type ErrorData, type ExitClass, LakeportError } from './errors.js';
export { type ExportRequest, planExport, runExport as exportTables } from './export/export.js';
export type { GivenOptions as ExportOptions } from './export/model/complete-options.js';
export type { PublishedFile, RunObserver } from './export/model/observer.js';
export type { Route, TableConfig } from './export/model/options.js';
export type { PlannedProblem, RunPlan, TablePlan } from './export/model/plan.js';
export type { RunResult, TableResult } from './export/model/result.js';
export type { TableId } from './model/table.js';
export { VERSION as version } from './version.js';
