import { DB_PARTITION, KEY_METHODS, NONE, PHYSICAL, type PartitionMethodInfo } from '../partitioning/methods.js';

/** The partition methods for PostgreSQL tables. */
export const POSTGRES_METHODS: readonly PartitionMethodInfo[] = [
  NONE,
  { name: 'Ctid', needsKey: false },
  PHYSICAL,
  ...Object.values(KEY_METHODS),
  DB_PARTITION,
];
