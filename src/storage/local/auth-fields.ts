import { entryFields } from '../../auth/entry-fields.js';
import { path } from '../../auth/fields.js';
import { networkFields, networkSettings } from '../network-fields.js';
import type { LocalInfo } from './info.js';

export const localFields = entryFields({
  fields: { ...networkFields, directory: { schema: path, synonyms: ['base_path'] } },
  // Network settings in the environment do not matter for a directory.
  environment: [{ fields: Object.keys(networkFields), belongs: () => false }],
  build: (found): LocalInfo => ({ ...networkSettings(found), directory: found.directory }),
});
