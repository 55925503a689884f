import { entryFields } from '../../auth/entry-fields.js';
import { path } from '../../auth/fields.js';
import type { SqliteInfo } from './info.js';

export const sqliteFields = entryFields({
  fields: { filepath: { schema: path } },
  build: (found): SqliteInfo => ({ filepath: found.filepath }),
});
