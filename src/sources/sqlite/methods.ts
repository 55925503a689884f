import { KEY_METHODS, NONE, PHYSICAL, type PartitionMethodInfo } from '../partitioning/methods.js';

/** The partition methods for SQLite tables. */
export const SQLITE_METHODS: readonly PartitionMethodInfo[] = [
  NONE,
  { name: 'Rowid', needsKey: false },
  PHYSICAL,
  ...Object.values(KEY_METHODS),
];
