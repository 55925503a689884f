import { MSSQL_METHODS } from './mssql/methods.js';
import type { PartitionMethodInfo } from './partitioning/methods.js';
import { POSTGRES_METHODS } from './postgres/methods.js';

/** Every engine's partition methods, each name once. */
export const PARTITION_METHODS: readonly PartitionMethodInfo[] = [
  ...new Map([...POSTGRES_METHODS, ...MSSQL_METHODS].map((method) => [method.name, method])).values(),
];
