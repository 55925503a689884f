import type { Storage } from '../storage.js';
import type { Store } from '../store.js';
import type { LocalInfo } from './info.js';

/** A named directory, so that a configuration can switch from disk to cloud by its id. */
export const local: Store<LocalInfo> = {
  name: 'local',
  types: { local: {}, filesystem: {} },
  schemes: [],
  fields: async () => (await import('./auth-fields.js')).localFields,
  address: ({ directory }) => directory,
  directory: ({ directory }) => directory,
  open: ({ id, info }) => openDirectory({ id, directory: info.directory }),
};

/** A directory without an entry. */
export async function openDirectory(options: { readonly id: string; readonly directory: string }): Promise<Storage> {
  return (await import('./index.js')).openLocalStorage(options);
}
