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
 * @throws LakeportError of class `usage` if the entry's key file, certificates or endpoint cannot be used
 */
export async function openGcsStorage(entry: GcsEntry): Promise<Storage> {
  const { info, id } = entry;
  const endpoint = checkEndpoint({ entry: id, endpoint: endpointOf(info), allowHttp: info.allowHttp });
  const [key, agents] = await Promise.all([loadKey(entry), Agents.create({ entry: id, settings: info })]);
  // Google's client asks the metadata service once, and takes a busy one for missing.
  presetVariable('DETECT_GCP_RETRIES', '2');
  // Loaded only now, since the Google client takes a while to load.
  const [{ GcsClient }, { GcsObjects }, { GcsStager }] = await Promise.all([
    import('./client.js'),
    import('./objects.js'),
    import('./stager.js'),
  ]);
  const client = new GcsClient({
    endpoint,
    agents,
    // An emulator needs no credentials, and another host must not receive those of the environment.
    authenticated: key !== undefined || isGoogle(endpoint),
    userAgent: info.userAgent === undefined ? 'lakeport' : `${info.userAgent} lakeport`,
    storage: {
      ...(info.projectId === undefined ? {} : { projectId: info.projectId }),
      ...(key === undefined ? {} : { credentials: key }),
      clientOptions: {
        // Tokens come from https services or from the machine's own metadata service.
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

/** `STORAGE_EMULATOR_HOST` is the variable of Google's own clients; it may lack a scheme. */
function endpointOf(info: GcsInfo): string {
  const emulator = ENVIRONMENT['STORAGE_EMULATOR_HOST'];
  if (info.endpointUrl !== undefined) return info.endpointUrl;
  if (emulator === undefined || emulator === '') return SERVICE;
  return emulator.includes('://') ? emulator : `http://${emulator}`;
}

function isGoogle(endpoint: URL): boolean {
  return endpoint.protocol === 'https:' && `.${endpoint.hostname}`.endsWith('.googleapis.com');
}
