import { NONE, type PartitionMethodInfo } from '../partitioning/methods.js';

/** The partition methods for PostgreSQL tables. */
export const POSTGRES_METHODS: readonly PartitionMethodInfo[] = [NONE, { name: 'Ctid', needsKey: false }];
