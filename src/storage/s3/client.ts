import type * as CredentialProviders from '@aws-sdk/credential-providers';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

import type { S3Entry } from './info.js';
import { VERSION } from '../../version.js';
import type { Agents } from '../http/agents.js';
import { proxyPage } from '../http/proxy.js';
import { type ProxyFailure, readAnswers, signBodies, useContentMd5 } from './client-middleware.js';
import { regionFinder } from './region.js';

/** The host decides whether a proxy is used; this one stands for the regions' token services. */
const TOKEN_SERVICE = 'sts.amazonaws.com';

const METADATA_TIMEOUT_MS = 3_000;
const METADATA_RETRIES = 2;

/** Creates an entry's client. Nothing is sent before its first request, which also determines the region. */
export function createClient(entry: S3Entry, agents: Agents): S3Client {
  const config = configOf(entry, agents);
  const { region, endpointUrl } = entry.info;
  const proxy = endpointUrl === undefined ? undefined : agents.plainProxy(endpointUrl);
  const proxyFailure: ProxyFailure = (status) =>
    endpointUrl === undefined ? undefined : proxyPage(proxy, status, new URL(endpointUrl).host);
  return finish(
    new S3Client({
      ...config,
      region: region ?? regionFinder(entry, (found) => createFixedClient(config, found, proxyFailure)),
    }),
    proxyFailure,
  );
}

/** A client that asks for the bucket's region: in the given region, or in that of profile and environment. */
function createFixedClient(config: S3ClientConfig, region: string | undefined, proxyFailure: ProxyFailure): S3Client {
  return finish(new S3Client(region === undefined ? config : { ...config, region }), proxyFailure);
}

function configOf({ info }: S3Entry, agents: Agents): S3ClientConfig {
  // The host decides whether a proxy is used; for Amazon the region does not matter for that.
  const host = info.endpointUrl === undefined ? `${info.bucket}.s3.amazonaws.com` : new URL(info.endpointUrl).host;
  const checksums = info.requestChecksum === 'when_required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED';
  return {
    ...credentialsOf(info, agents),
    ...(info.endpointUrl === undefined ? {} : { endpoint: info.endpointUrl }),
    forcePathStyle: info.forcePathStyle,
    maxAttempts: info.maxRetries + 1,
    retryMode: 'standard',
    requestHandler: {
      ...handlerFor(agents, host),
      // The agents enforce the timeouts.
      socketTimeout: 0,
    },
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    // A round trip before each part, which many stores and proxies do not respond to.
    expectContinueHeader: false,
    customUserAgent: info.userAgent ?? [['lakeport', VERSION]],
  };
}

function credentialsOf(info: S3Entry['info'], agents: Agents): S3ClientConfig {
  const { credentials } = info;
  const token = {
    // The default is one second and no retry, too little for a busy metadata service.
    timeout: METADATA_TIMEOUT_MS,
    maxRetries: METADATA_RETRIES,
    // Tokens come from separate services, reached by the same rules as the store.
    clientConfig: { requestHandler: handlerFor(agents, TOKEN_SERVICE) },
    parentClientConfig: { requestHandler: handlerFor(agents, TOKEN_SERVICE) },
  };
  switch (credentials.kind) {
    case 'profile': {
      const { profile } = credentials;
      return {
        profile,
        // The profile itself, whatever the environment says; it handles SSO, roles and `credential_process`.
        credentials: async (options) => (await providers()).fromIni({ ...token, profile })(options),
      };
    }
    case 'keys': {
      const { accessKeyId, secretAccessKey, sessionToken } = credentials;
      return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
    }
    case 'default':
      return { credentials: async (options) => (await providers()).fromNodeProviderChain(token)(options) };
  }
}

/** Loaded only on demand: it takes a while. */
function providers(): Promise<typeof CredentialProviders> {
  return import('@aws-sdk/credential-providers');
}

function handlerFor(agents: Agents, host: string): NonNullable<S3ClientConfig['requestHandler']> {
  return { httpAgent: agents.for(`http://${host}`), httpsAgent: agents.for(`https://${host}`) };
}

function finish(client: S3Client, proxyFailure: ProxyFailure): S3Client {
  readAnswers(client, proxyFailure);
  useContentMd5(client);
  signBodies(client);
  return client;
}
