import { ENVIRONMENT, presetVariable } from '../../environment.js';
import type { GcsEntry, GcsInfo } from './info.js';
import { Agents } from '../http/agents.js';
import { checkEndpoint } from '../http/endpoint.js';
import { Retries } from '../http/retries.js';
import { ObjectStorage } from '../object-storage.js';
import type { Storage } from '../storage.js';
import { loadKey } from './credentials.js';
import { placeOf } from './map-error.js';

const SERVICE = 'https://storage.googleapis.com';

/**
 * Opens a bucket of Google Cloud Storage, or of an emulator, as a storage. Sends no request.
 * @throws LakeportError of class `usage` where the entry's key file, certificates or endpoint are no good
 */
export async function openGcsStorage(entry: GcsEntry): Promise<Storage> {
  const { info, id } = entry;
  const endpoint = checkEndpoint({ entry: id, endpoint: endpointOf(info), allowHttp: info.allowHttp });
  const [key, agents] = await Promise.all([loadKey(entry), Agents.create({ entry: id, settings: info })]);
  // Google's client asks the metadata service once, and takes a busy one for none.
  presetVariable('DETECT_GCP_RETRIES', '2');
  // The Google client takes a while to load: only now.
  const [{ GcsClient }, { GcsObjects }, { GcsStager }] = await Promise.all([
    import('./client.js'),
    import('./objects.js'),
    import('./stager.js'),
  ]);
  const client = new GcsClient({
    endpoint,
    agents,
    // An emulator wants no credentials, and a foreign host must not be sent those of the environment.
    authenticated: key !== undefined || isGoogle(endpoint),
    userAgent: info.userAgent === undefined ? 'lakeport' : `${info.userAgent} lakeport`,
    storage: {
      ...(info.projectId === undefined ? {} : { projectId: info.projectId }),
      ...(key === undefined ? {} : { credentials: key }),
      clientOptions: {
        // How tokens are fetched: some come from https addresses, some from the machine's own metadata service.
        transporterOptions: {
          adapter: (request, next) => next({ ...request, agent: agents.for(String(request.url)) }),
        },
      },
    },
  });
  const place = placeOf(entry, endpoint);
  const retries = new Retries({ maxRetries: info.maxRetries });
  const objects = new GcsObjects({ client, entry, place, retries, agents });
  const stager = new GcsStager({ objects, storageId: id, partSizeBytes: info.partSizeBytes });
  return new ObjectStorage({ id, kind: 'gcs', client: objects, stager });
}

/** `STORAGE_EMULATOR_HOST` is what Google's own clients look at; it may come without a scheme. */
function endpointOf(info: GcsInfo): string {
  const emulator = ENVIRONMENT['STORAGE_EMULATOR_HOST'];
  if (info.endpointUrl !== undefined) return info.endpointUrl;
  if (emulator === undefined || emulator === '') return SERVICE;
  return emulator.includes('://') ? emulator : `http://${emulator}`;
}

function isGoogle(endpoint: URL): boolean {
  return endpoint.protocol === 'https:' && `.${endpoint.hostname}`.endsWith('.googleapis.com');
}
