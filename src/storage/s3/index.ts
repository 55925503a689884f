import { presetVariable } from '../../environment.js';
import type { S3Entry } from './info.js';
import { Agents } from '../http/agents.js';
import { checkEndpoint } from '../http/endpoint.js';
import { ObjectStorage } from '../object-storage.js';
import type { Storage } from '../storage.js';
import { S3ObjectClient } from './object-client.js';
import { ObjectKeys } from './object-keys.js';

/**
 * Opens a bucket of Amazon S3, or of a store with the same API. Sends no request yet.
 * @throws LakeportError of class `usage` if the entry cannot work
 */
export async function openS3Storage(entry: S3Entry): Promise<Storage> {
  const { id, info } = entry;
  const { endpointUrl: endpoint, allowHttp } = info;
  if (endpoint !== undefined) checkEndpoint({ entry: id, endpoint, allowHttp });
  // Otherwise the SDK would warn every user of Node 20 on stderr that it will require a newer version some day.
  presetVariable('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  const [{ openBucket }, { S3Stager }] = await Promise.all([import('./bucket.js'), import('./stager.js')]);
  // The variable of Amazon's own tools, which use it for S3-compatible stores too.
  const agents = await Agents.create({ entry: id, settings: info, bundleVariable: 'AWS_CA_BUNDLE' });
  const bucket = openBucket(entry, agents);
  const keys = new ObjectKeys(info.basePath);
  const client = new S3ObjectClient({ entry, bucket, keys, agents });
  return new ObjectStorage({ id, kind: 's3', client, stager: new S3Stager({ entry, bucket, keys, client }) });
}
