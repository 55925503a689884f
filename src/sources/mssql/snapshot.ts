/** Token of snapshots in which each query sees the row versions of its start. */
export const ROW_VERSIONS = 'row versions';
