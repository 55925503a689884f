import type { AzureEntry } from './info.js';
import { Agents } from '../http/agents.js';
import { Retries } from '../http/retries.js';
import { ObjectStorage } from '../object-storage.js';
import type { Storage } from '../storage.js';
import { placeOf } from './map-error.js';

/**
 * Opens a container of Azure Blob Storage, Data Lake Storage or OneLake, or of an emulator, as a storage. Sends no
 * request.
 * @throws LakeportError of class `usage` if the entry does not yield an address and a credential
 */
export async function openAzureStorage(entry: AzureEntry): Promise<Storage> {
  const agents = await Agents.create({ entry: entry.id, settings: entry.info });
  // Loaded only now, since the Azure client takes a while to load.
  const [{ AzureAccount }, { AzureBlobs }, { AzureStager }] = await Promise.all([
    import('./account.js'),
    import('./blobs.js'),
    import('./stager.js'),
  ]);
  const account = await AzureAccount.open(entry, agents);
  const place = placeOf(entry, account.container.url, agents);
  const retries = new Retries({ maxRetries: entry.info.maxRetries });
  const blobs = new AzureBlobs({ account, entry, place, retries, agents });
  return new ObjectStorage({ id: entry.id, kind: 'azure', client: blobs, stager: new AzureStager(blobs, entry) });
}
