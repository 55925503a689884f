import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

import type { S3Entry } from '../../auth/entries.js';
import { VERSION } from '../../version.js';
import type { Agents } from '../remote/agents.js';
import { readAnswers, signBodies, useContentMd5 } from './client-middleware.js';
import { regionFinder } from './region.js';

/** The client of an entry. Nothing is sent before its first request; the region is looked for with that. */
export function createClient(entry: S3Entry, agents: Agents): S3Client {
  const config = configOf(entry, agents);
  const { region } = entry.info;
  return finish(
    new S3Client({ ...config, region: region ?? regionFinder(entry, (found) => createFixedClient(config, found)) }),
  );
}

/** A client for the question where the bucket is: in the given region, or where profile and environment say. */
function createFixedClient(config: S3ClientConfig, region: string | undefined): S3Client {
  return finish(new S3Client(region === undefined ? config : { ...config, region }));
}

function configOf({ info }: S3Entry, agents: Agents): S3ClientConfig {
  // Whether the proxy is used is decided by the host; for Amazon's the region does not matter to that.
  const host = info.endpointUrl === undefined ? `${info.bucket}.s3.amazonaws.com` : new URL(info.endpointUrl).host;
  const checksums = info.requestChecksum === 'when_required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED';
  return {
    ...credentialsOf(info.credentials),
    ...(info.endpointUrl === undefined ? {} : { endpoint: info.endpointUrl }),
    forcePathStyle: info.forcePathStyle,
    maxAttempts: info.maxRetries + 1,
    retryMode: 'standard',
    requestHandler: {
      httpAgent: agents.for(`http://${host}`),
      httpsAgent: agents.for(`https://${host}`),
      // The agents watch their connections.
      socketTimeout: 0,
    },
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    // A round trip before each part, which many stores and proxies do not answer.
    expectContinueHeader: false,
    customUserAgent: info.userAgent ?? [['lakeport', VERSION]],
  };
}

function credentialsOf(credentials: S3Entry['info']['credentials']): S3ClientConfig {
  switch (credentials.kind) {
    case 'profile':
      return { profile: credentials.profile, credentials: fromProfile(credentials.profile) };
    case 'keys': {
      const { accessKeyId, secretAccessKey, sessionToken } = credentials;
      return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
    }
    case 'default':
      return {};
  }
}

/** The profile itself, whatever the environment says; SSO, assumed roles and `credential_process` are its matter. */
function fromProfile(profile: string): NonNullable<S3ClientConfig['credentials']> {
  return async (options) => {
    const { fromIni } = await import('@aws-sdk/credential-providers');
    return await fromIni({ profile })(options);
  };
}

function finish(client: S3Client): S3Client {
  readAnswers(client);
  useContentMd5(client);
  signBodies(client);
  return client;
}
