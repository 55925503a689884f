import type { S3Entry } from './info.js';
import type { Explanation, RemoteAttempt, RemotePlace, RemoteService } from '../http/error-mapping.js';
import type { S3Operation } from './operation.js';

export type S3Attempt = RemoteAttempt<S3Entry, S3Operation>;

const AMAZON: RemoteService = {
  prefix: 'S3',
  name: 'S3',
  address: '"region"',
  notTheService: {
    code: 'S3_NOT_AN_S3_ENDPOINT',
    hint: 'Set "endpoint_url" to the address of the S3 API, not of its web console',
  },
};
const COMPATIBLE: RemoteService = { ...AMAZON, address: '"endpoint_url"' };

/** Where the entry's requests go, for errors. */
export function remotePlaceOf(entry: S3Entry): RemotePlace {
  const { id, info } = entry;
  return {
    service: info.endpointUrl === undefined ? AMAZON : COMPATIBLE,
    entry: id,
    origin: placeOf(entry),
    settings: info,
    explainHost: (host) => (isBucketHost(entry, host) ? pathStyleNeeded(host) : undefined),
  };
}

/** Whether the bucket became the first part of a host name that may not exist in DNS. */
function isBucketHost({ info: { bucket, endpointUrl, forcePathStyle } }: S3Entry, host: string): boolean {
  return endpointUrl !== undefined && !forcePathStyle && host.startsWith(`${bucket}.`);
}

function pathStyleNeeded(host: string): Explanation {
  return {
    code: 'S3_PATH_STYLE_NEEDED',
    message: `The store has no host ${host}: it expects the bucket in the path, not in the host name`,
    hint: 'Set "force_path_style": true in the entry, or remove "virtual_hosted_style_request".',
  };
}

/** `storage entry "lake"`, for sentences. */
export function entryName(entry: S3Entry): string {
  return `storage entry "${entry.id}"`;
}

/** Where requests go, without credentials that the URL may contain. */
export function placeOf(entry: S3Entry): string {
  const { endpointUrl } = entry.info;
  if (endpointUrl === undefined) return 'Amazon S3';
  return URL.canParse(endpointUrl) ? new URL(endpointUrl).origin : 'the endpoint';
}

/** Where the entry's keys come from, as the fields to check. */
export function credentialFields(entry: S3Entry): string {
  const { credentials } = entry.info;
  switch (credentials.kind) {
    case 'profile':
      return `the profile "${credentials.profile}" in ~/.aws/credentials and ~/.aws/config`;
    case 'keys':
      return 'access_key_id and secret_access_key of the entry';
    case 'default':
      return 'the credentials from the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE, the role of the machine)';
  }
}
