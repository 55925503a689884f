import type { S3Entry } from './info.js';
import type { ExitClass } from '../../errors.js';
import type { S3Operation } from './operation.js';

/** What was being done when something went wrong. */
export interface Attempt {
  readonly entry: S3Entry;
  readonly operation: S3Operation;
  /** For people: `s3://bucket/key`. */
  readonly shown: string;
  /** The service has accepted the entry's credentials before. */
  readonly accepted: boolean;
}

/** What an error means to somebody who wants a table exported. */
export interface Explanation {
  readonly code: string;
  readonly exit: ExitClass;
  readonly message: string;
  readonly hint?: string;
  readonly transient?: boolean;
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
