import { connectionStringParts } from '../../auth/connection-string.js';
import type { AuthEntry, DatabaseEntry } from '../../auth/entries.js';

/** Where the entry leads to, from its own fields; for people, without secrets. */
export function entryAddress(entry: AuthEntry): string {
  if (entry.kind === 'database') return databaseAddress(entry);
  switch (entry.storageType) {
    case 's3':
      return objectAddress('s3', entry.info.bucket, entry.info.basePath);
    case 'gcs':
      return objectAddress('gs', entry.info.bucket, entry.info.basePath);
    case 'azure':
      return objectAddress(
        'az',
        `${entry.info.container}@${entry.info.accountName ?? ''}`.replace(/@$/, ''),
        entry.info.basePath,
      );
    case 'local':
      return entry.info.directory;
  }
}

function objectAddress(scheme: string, bucket: string, basePath: string): string {
  return `${scheme}://${bucket}${basePath === '' ? '' : `/${basePath}`}`;
}

function databaseAddress(entry: DatabaseEntry): string {
  if (entry.engine === 'sqlite') return entry.info.filepath;
  const { info } = entry;
  if (info.connectionString === undefined) {
    const instance = 'instance' in info && info.instance !== undefined ? `\\${info.instance}` : '';
    const port = info.port === undefined ? '' : `:${info.port}`;
    return `${info.server}${instance}${port}${info.database === undefined ? '' : `/${info.database}`}`;
  }
  const { host, port, database } = connectionStringParts(info.connectionString);
  return `${host ?? '?'}${port === undefined ? '' : `:${port}`}${database === undefined ? '' : `/${database}`}`;
}
