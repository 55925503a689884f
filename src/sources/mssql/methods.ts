import { KEY_METHODS, NONE, type PartitionMethodInfo } from '../partitioning/methods.js';

/** How tables of SQL Server are shared out. */
export const MSSQL_METHODS: readonly PartitionMethodInfo[] = [
  NONE,
  { name: 'Physloc', needsKey: false },
  ...Object.values(KEY_METHODS),
];
