import { KEY_METHODS, NONE, type PartitionMethodInfo } from '../partitioning/methods.js';

/** The partition methods for SQL Server tables. */
export const MSSQL_METHODS: readonly PartitionMethodInfo[] = [
  NONE,
  { name: 'Physloc', needsKey: false },
  ...Object.values(KEY_METHODS),
];
