import { expiredCredentials } from '../http/expired-credentials.js';
import type { Explanation } from '../http/error-mapping.js';
import type { S3Attempt } from './error-mapping.js';
import { credentialFields, entryName, placeOf } from './error-mapping.js';
import { createsObject, PERMISSIONS, VERBS } from './operation.js';
import type { ServiceAnswer } from './service-response.js';

/** Rejections that concern identity and location: keys, tokens, clocks, buckets, regions, permissions. */

export function unknownKey(attempt: S3Attempt): Explanation {
  const { entry, accepted } = attempt;
  // Temporary keys are forgotten some time after they have expired.
  if (accepted) return expired(attempt);
  return {
    code: 'S3_UNKNOWN_ACCESS_KEY',
    message: `${placeOf(entry)} does not know the access key id of ${entryName(entry)}`,
    hint: `Check ${credentialFields(entry)}${entry.info.endpointUrl === undefined ? '; keys of an S3-compatible store need endpoint_url as well' : ', and that they belong to this endpoint'}.`,
  };
}

export function wrongSecret({ entry }: S3Attempt): Explanation {
  return {
    code: 'S3_WRONG_SECRET_KEY',
    message: `The secret key of ${entryName(entry)} does not belong to its access key id`,
    hint: `Compare ${credentialFields(entry)}; a truncated secret or one with a trailing space gives the same error.`,
  };
}

export function wrongToken(attempt: S3Attempt): Explanation {
  const { entry, accepted } = attempt;
  if (accepted) return expired(attempt);
  return {
    code: 'S3_WRONG_SESSION_TOKEN',
    message: `The session token of ${entryName(entry)} is not valid for its access key id`,
    hint: 'Temporary keys (ASIA…) need the session_token that came with them; permanent ones (AKIA…) must not have one.',
  };
}

export function expired({ entry, accepted }: S3Attempt): Explanation {
  return expiredCredentials({
    prefix: 'S3',
    what: `temporary credentials of ${entryName(entry)}`,
    accepted,
    renew:
      entry.info.credentials.kind === 'keys'
        ? 'Get new ones, or use a profile or a role, whose credentials are renewed during a run'
        : `Renew ${credentialFields(entry)}, for example with aws sso login`,
  });
}

export function skewed({ entry }: S3Attempt): Explanation {
  return {
    code: 'S3_CLOCK_SKEW',
    message: `The clock of this machine (${new Date().toISOString()}) is too far from that of ${placeOf(entry)}`,
    hint: 'Set the clock, preferably by NTP (timedatectl set-ntp true): signatures are valid for 15 minutes.',
  };
}

export function noSuchBucket({ entry }: S3Attempt): Explanation {
  const { endpointUrl, forcePathStyle, bucket } = entry.info;
  const virtualHosted = endpointUrl !== undefined && !forcePathStyle;
  return {
    code: 'S3_NO_SUCH_BUCKET',
    message: `There is no bucket "${bucket}" at ${placeOf(entry)}`,
    hint: virtualHosted
      ? 'Check "bucket"; a store that expects the bucket in the path needs "force_path_style": true.'
      : 'Check "bucket" and "endpoint_url" of the entry, or create the bucket, which lakeport never does.',
  };
}

export function wrongRegion({ entry }: S3Attempt, { region }: ServiceAnswer): Explanation {
  const { bucket, region: given } = entry.info;
  return {
    code: 'S3_WRONG_REGION',
    message:
      region === undefined
        ? `Bucket "${bucket}" is not in the region ${given ?? 'of the profile or environment'}`
        : `Bucket "${bucket}" is in the region ${region}, not in ${given ?? 'that of the profile or environment'}`,
    hint:
      region === undefined
        ? 'Correct "region" in the entry, or remove it to have it found from the bucket.'
        : `Set "region": "${region}" in the entry, or remove it to have it found from the bucket.`,
  };
}

/** Takes the permission from the service's own message if it names one, otherwise from the request. */
export function denied({ entry, operation, shown }: S3Attempt, { message }: ServiceAnswer): Explanation {
  const action = /not authorized to perform: ([\w-]+:\w+)/.exec(message)?.[1];
  const explicit = /with an explicit deny[^.]*/.exec(message)?.[0];
  const missing = [
    action ?? PERMISSIONS[operation],
    ...(action === undefined ? furtherPermissions(entry, operation) : []),
  ];
  return {
    code: 'S3_ACCESS_DENIED',
    message: `The credentials of ${entryName(entry)} may not ${VERBS[operation]} ${shown}${explicit === undefined ? '' : ` (${explicit})`}`,
    hint: `Grant ${missing.join(', ')} on it${deletes(operation) ? '; a bucket policy or an object lock may forbid it too' : ''}.`,
  };
}

export function keyService({ entry }: S3Attempt, { code }: ServiceAnswer): Explanation {
  return {
    code: 'S3_KMS_KEY_REFUSED',
    message: `The key service rejects the encryption key of ${entryName(entry)} (${code.slice('KMS.'.length)})`,
    hint: 'Check "sse_kms_key_id": the key must be enabled, in the region of the bucket, and allow kms:GenerateDataKey and kms:Decrypt.',
  };
}

/** Additional permissions that the request needs because of the entry's settings. */
function furtherPermissions({ info }: S3Attempt['entry'], operation: S3Attempt['operation']): string[] {
  // A missing object gives a 403 if its bucket may not be listed.
  if (operation === 'GetObject' || operation === 'HeadObject') return ['s3:ListBucket'];
  const creates = createsObject(operation);
  const permissions: string[] = [];
  if (creates && info.acl !== undefined) permissions.push('s3:PutObjectAcl');
  if (creates && Object.keys(info.tags).length > 0) permissions.push('s3:PutObjectTagging');
  if (info.serverSideEncryption?.startsWith('aws:kms') === true && !deletes(operation)) {
    permissions.push('kms:GenerateDataKey', 'kms:Decrypt');
  }
  return permissions;
}

function deletes(operation: S3Attempt['operation']): boolean {
  return operation === 'DeleteObject' || operation === 'DeleteObjects' || operation === 'AbortMultipartUpload';
}
