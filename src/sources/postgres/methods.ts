import { NONE, type PartitionMethodInfo } from '../partitioning/methods.js';

/** How tables of PostgreSQL are shared out. */
export const POSTGRES_METHODS: readonly PartitionMethodInfo[] = [NONE, { name: 'Ctid', needsKey: false }];
