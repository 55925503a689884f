import type { z } from 'zod';

import type { LocalInfo } from '../entries.js';
import { path } from './fields.js';
import { infoSchema } from './info.js';
import { networkFields, networkSettings } from './network.js';

const fields = { ...networkFields, directory: path };

type Fields = z.output<z.ZodObject<typeof fields>>;

export const localInfo = infoSchema(fields, {
  check: () => undefined,
  build: (found: Fields): LocalInfo => ({ ...networkSettings(found), directory: found.directory }),
});

export const localFieldNames = Object.keys(fields);
