import { z } from 'zod';

import type { AuthEntry } from '../entries.js';
import { azureInfo } from './azure.js';
import { mssqlInfo, postgresInfo, sqliteInfo } from './database.js';
import { gcsInfo } from './gcs.js';
import { localInfo } from './local.js';
import { s3Info } from './s3.js';

const id = z.string();

/** The auth file's schema: one entry, its type told and its fields by their own names. */
export const entrySchema = z.discriminatedUnion('type', [
  z.strictObject({ id, type: z.literal('postgres'), info: postgresInfo }),
  z.strictObject({ id, type: z.literal('mssql'), info: mssqlInfo }),
  z.strictObject({ id, type: z.literal('sqlite'), info: sqliteInfo }),
  z.strictObject({ id, type: z.literal('s3'), info: s3Info }),
  z.strictObject({ id, type: z.literal('gcs'), info: gcsInfo }),
  z.strictObject({ id, type: z.literal('azure'), info: azureInfo }),
  z.strictObject({ id, type: z.literal('local'), info: localInfo }),
]);

/** A validated entry in the form that the program works with. */
export function toEntry(entry: z.output<typeof entrySchema>): AuthEntry {
  const { id } = entry;
  switch (entry.type) {
    case 'postgres':
      return { kind: 'database', id, engine: entry.type, info: entry.info };
    case 'mssql':
      return { kind: 'database', id, engine: entry.type, info: entry.info };
    case 'sqlite':
      return { kind: 'database', id, engine: entry.type, info: entry.info };
    case 's3':
      return { kind: 'storage', id, storageType: entry.type, info: entry.info };
    case 'gcs':
      return { kind: 'storage', id, storageType: entry.type, info: entry.info };
    case 'azure':
      return { kind: 'storage', id, storageType: entry.type, info: entry.info };
    case 'local':
      return { kind: 'storage', id, storageType: entry.type, info: entry.info };
  }
}
