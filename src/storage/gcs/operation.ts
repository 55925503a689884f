/** The store's operations, as worded in errors. */
export type GcsOperation = 'write' | 'read' | 'list' | 'delete' | 'move' | 'copy';

/** Permissions that each requires; Cloud Storage documentation, "IAM permissions for JSON methods". */
export const PERMISSIONS: Readonly<Record<GcsOperation, string>> = {
  write: 'storage.objects.create (and storage.objects.delete, to replace an object)',
  read: 'storage.objects.get',
  list: 'storage.objects.list',
  delete: 'storage.objects.delete',
  move: 'storage.objects.get, storage.objects.create and storage.objects.delete',
  copy: 'storage.objects.get, storage.objects.create and storage.objects.delete',
};
