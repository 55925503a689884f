import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';

import { s3Error, startFaultProxy } from '../../servers/fault-proxy.js';
import { startS3Server } from '../../servers/s3-server/index.js';
import type { S3TestServer } from '../../servers/s3-test-server.js';
import { BASE_PATH, type CliStore, sorted } from './store.js';

const BUCKET = 'lake';
const PREFIX = `${BASE_PATH}/`;

export async function startCliS3(): Promise<CliStore> {
  const server = await startS3Server({ bucket: BUCKET });
  return {
    ...(await openCliS3(server)),
    clear: () => {
      server.store.bucket(BUCKET).clear();
      server.store.uploads.clear();
      return Promise.resolve();
    },
    drop: () => {
      server.store.buckets.delete(BUCKET);
      server.store.uploads.clear();
      return Promise.resolve();
    },
  };
}

/** Any S3 server that has a bucket `lake`. `stop` stops the server too. */
export async function openCliS3(server: S3TestServer): Promise<CliStore> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const proxy = await startFaultProxy(server);
  const { region, accessKeyId, secretAccessKey, endpoint } = server;
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  const keys = async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: PREFIX }));
    return Contents.map(({ Key = '' }) => Key);
  };
  const uploads = async () => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    return Uploads.map(({ Key = '', UploadId }) => ({ Key, UploadId }));
  };
  const clear = async () => {
    await Promise.all<unknown>([
      ...(await keys()).map((Key) => client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }))),
      ...(await uploads()).map((upload) => client.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, ...upload }))),
    ]);
  };
  const denial = s3Error(403, 'AccessDenied');
  if (denial.kind !== 'answer' || denial.body === undefined) throw new Error('not an answer');
  return {
    kind: 's3',
    entry: {
      storage_type: 's3',
      info: {
        bucket: BUCKET,
        base_path: BASE_PATH,
        endpoint_url: proxy.endpoint,
        region,
        aws_access_key_id: accessKeyId,
        aws_secret_access_key: secretAccessKey,
        part_size: '5 MiB',
      },
    },
    shownBase: `s3://${BUCKET}/${BASE_PATH}`,
    proxy,
    objects: async () => {
      const objects = (await keys()).filter((key) => !key.includes('/.lakeport'));
      return sorted(
        await Promise.all(
          objects.map(async (key): Promise<[string, Buffer]> => {
            const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
            return [key.slice(PREFIX.length), Buffer.from(await Body!.transformToByteArray())];
          }),
        ),
      );
    },
    leftovers: async () => [
      ...(await keys()).filter((key) => key.includes('/.lakeport')),
      ...(await uploads()).map(({ Key }) => `upload of ${Key}`),
    ],
    carriesPart: ({ method, url }) => method === 'PUT' && url.includes('partNumber='),
    publishesPart: ({ method, url }) => method === 'POST' && url.includes('uploadId='),
    deletes: ({ method, url }) =>
      (method === 'DELETE' && !url.includes('uploadId=')) || (method === 'POST' && /[?&]delete(?:[=&]|$)/.test(url)),
    denial: { status: 403, body: denial.body, headers: { 'content-type': 'application/xml' } },
    clear,
    drop: async () => {
      await clear();
      await client.send(new DeleteBucketCommand({ Bucket: BUCKET }));
    },
    stop: async () => {
      client.destroy();
      await proxy.stop();
      await server.stop();
    },
  };
}
