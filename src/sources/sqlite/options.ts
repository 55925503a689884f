import type { EngineOption, EngineOptions } from '../engine-option.js';

const TYPES = {
  name: 'sqliteTypes',
  flag: 'sqlite_types',
  values: ['declared', 'text'],
  default: 'declared',
  help: 'columns of SQLite by their declared types (default), or every value as text',
} as const satisfies EngineOption;

export const SQLITE_OPTIONS: readonly EngineOption[] = [TYPES];

/** Whether every value is written as text, whatever its column is declared as. */
export function isAllText(options: EngineOptions = {}): boolean {
  return (options[TYPES.name] ?? TYPES.default) === 'text';
}
