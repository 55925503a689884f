import type { S3Entry } from '../../auth/entries.js';
import { LakeportError } from '../../errors.js';
import { Agents } from '../remote/agents.js';
import { checkEndpoint } from '../remote/endpoint.js';
import { isExpressBucket } from './express.js';
import type { S3Storage } from './s3-storage.js';

/**
 * Opens a bucket of Amazon S3, or of a store that speaks its API. Sends nothing yet.
 * @throws LakeportError of class `usage` where the entry can't work
 */
export async function openS3Storage(entry: S3Entry): Promise<S3Storage> {
  checkEntry(entry);
  // The SDK would tell every user of Node 20 on stderr that it will want a newer one some day.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const { S3Storage } = await import('./s3-storage.js');
  return new S3Storage({ entry, agents: await Agents.create(entry.id, entry.info) });
}

function checkEntry({ id, info }: S3Entry): void {
  const { endpointUrl: endpoint, allowHttp, bucket, s3Express } = info;
  if (endpoint !== undefined) checkEndpoint({ entry: id, endpoint, allowHttp });
  if (s3Express && !isExpressBucket(bucket)) {
    throw new LakeportError({
      code: 'S3_EXPRESS_NAME',
      exit: 'usage',
      message: `"${bucket}" is not the name of an S3 Express bucket`,
      hint: 'Their names end in the zone, such as my-bucket--use1-az4--x-s3; write it whole, or remove "s3_express".',
      context: { entry: id, detail: 'bucket' },
    });
  }
}
