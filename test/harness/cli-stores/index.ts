import { startCliAzure } from './azure.js';
import { startCliGcs } from './gcs.js';
import { startCliLocal } from './local.js';
import { startCliS3 } from './s3.js';
import type { CliStore } from './store.js';

export type { CliStore } from './store.js';

/** Every kind of store, by the name of its kind. */
export const CLI_STORES: Readonly<Record<CliStore['kind'], () => Promise<CliStore>>> = {
  local: startCliLocal,
  s3: startCliS3,
  gcs: startCliGcs,
  azure: startCliAzure,
};
