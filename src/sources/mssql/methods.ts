import { DB_PARTITION, KEY_METHODS, NONE, PHYSICAL, type PartitionMethodInfo } from '../partitioning/methods.js';

/** The partition methods for SQL Server tables. */
export const MSSQL_METHODS: readonly PartitionMethodInfo[] = [
  NONE,
  { name: 'Physloc', needsKey: false },
  PHYSICAL,
  ...Object.values(KEY_METHODS),
  DB_PARTITION,
];
