/** The store's operations, as worded in errors. */
export type AzureOperation = 'write' | 'read' | 'list' | 'delete' | 'copy';

/** Letters of a shared access signature that each operation requires; Azure Storage REST API, "Create a service SAS". */
export const SAS_LETTERS: Readonly<Record<AzureOperation, readonly string[]>> = {
  write: ['c', 'w'],
  read: ['r'],
  list: ['l'],
  delete: ['d'],
  copy: ['r', 'c', 'w'],
};

/** Data actions of roles; Azure Storage REST API, "Permissions for calling blob and queue data operations". */
export const DATA_ACTIONS: Readonly<Record<AzureOperation, string>> = {
  write: 'blobs/add/action and blobs/write',
  read: 'blobs/read',
  list: 'blobs/read',
  delete: 'blobs/delete',
  copy: 'blobs/read and blobs/write',
};
