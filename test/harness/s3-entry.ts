import type { S3Entry, S3Info } from '../../src/storage/s3/info.js';

/** An entry with the defaults of the auth file, for a server of the tests. */
export function s3Entry(info: Partial<S3Info> & Pick<S3Info, 'bucket'>): S3Entry {
  const withEndpoint = info.endpointUrl !== undefined;
  return {
    kind: 'storage',
    id: 'lake',
    storageType: 's3',
    info: {
      basePath: '',
      region: 'us-east-1',
      credentials: {
        kind: 'keys',
        accessKeyId: 'AKIATEST',
        secretAccessKey: 'test-secret-key',
        sessionToken: undefined,
      },
      endpointUrl: undefined,
      forcePathStyle: withEndpoint,
      serverSideEncryption: undefined,
      sseKmsKeyId: undefined,
      sseBucketKeyEnabled: undefined,
      s3Express: false,
      storageClass: undefined,
      acl: undefined,
      tags: {},
      requestChecksum: withEndpoint ? 'when_required' : 'when_supported',
      timeoutMs: 30_000,
      connectTimeoutMs: 5_000,
      maxRetries: 5,
      proxyUrl: undefined,
      proxyExcludes: [],
      proxyCaCertificate: undefined,
      caCertificate: undefined,
      allowHttp: false,
      allowInvalidCertificates: false,
      partSizeBytes: 8 * 1024 * 1024,
      uploadConcurrency: 4,
      userAgent: undefined,
      ...info,
    },
  };
}
