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
    hint: 'Give in "endpoint_url" the address of the S3 API, not of its web console',
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

/** True where the bucket became the first part of a host's name that only its owner's DNS knows. */
function isBucketHost({ info: { bucket, endpointUrl, forcePathStyle } }: S3Entry, host: string): boolean {
  return endpointUrl !== undefined && !forcePathStyle && host.startsWith(`${bucket}.`);
}

function pathStyleNeeded(host: string): Explanation {
  return {
    code: 'S3_PATH_STYLE_NEEDED',
    message: `The store has no host ${host}: it wants the bucket in the path, not in front of the host's name`,
    hint: 'Set "force_path_style": true in the entry, or remove "virtual_hosted_style_request".',
  };
}

/** `storage entry "lake"`, for sentences. */
export function entryName(entry: S3Entry): string {
  return `storage entry "${entry.id}"`;
}

/** Where requests go, without credentials that a URL could hold. */
export function placeOf(entry: S3Entry): string {
  const { endpointUrl } = entry.info;
  if (endpointUrl === undefined) return 'Amazon S3';
  return URL.canParse(endpointUrl) ? new URL(endpointUrl).origin : 'the endpoint';
}

/** Where the entry's keys come from, as the fields that have to be looked at. */
export function credentialFields(entry: S3Entry): string {
  const { credentials } = entry.info;
  switch (credentials.kind) {
    case 'profile':
      return `the profile "${credentials.profile}" in ~/.aws/credentials and ~/.aws/config`;
    case 'keys':
      return 'access_key_id and secret_access_key of the entry';
    case 'default':
      return 'the credentials that the environment gives (AWS_ACCESS_KEY_ID, AWS_PROFILE, the role of the machine)';
  }
}
