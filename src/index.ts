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
export { readMaskPolicy } from './cli/flags/mask-file.js';
export type {
  ColumnBloomFilter,
  ColumnMask,
  ColumnType,
  MaskPolicy,
  PolicyColumn,
} from './export/model/column-settings.js';
export type { PublishedFile, RunObserver } from './export/model/observer.js';
export type { Route, TableConfig } from './export/model/options.js';
export type { PlannedProblem, RunPlan, TablePlan } from './export/model/plan.js';
export type { AddedColumn, AddedValue, NamedQuery } from './export/model/requested-data.js';
export type { RunResult, TableResult } from './export/model/result.js';
export type { TableSetting } from './export/model/table-setting.js';
export type { Sample } from './model/dataset.js';
export type { Mask } from './model/mask.js';
export type { SortColumn } from './model/sort-column.js';
export type { WantedType } from './model/wanted-type.js';
export type { TableId } from './model/table.js';
export { VERSION as version } from './version.js';
