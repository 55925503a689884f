import { createsObject } from './operation.js';
import type { ServiceAnswer } from './service-response.js';
import {
  denied,
  expired,
  keyService,
  noSuchBucket,
  skewed,
  unknownKey,
  wrongRegion,
  wrongSecret,
  wrongToken,
} from './access-error.js';
import type { Explanation } from '../http/error-mapping.js';
import { explainProxyRefusal } from '../http/network-error.js';
import { entryName, placeOf, type S3Attempt } from './error-mapping.js';

type Explain = (attempt: S3Attempt, answer: ServiceAnswer) => Explanation;

/** Codes of "Error responses" in the Amazon S3 API reference, and of compatible stores. */
const BY_CODE: Readonly<Record<string, Explain>> = {
  InvalidAccessKeyId: unknownKey,
  UnrecognizedClientException: unknownKey,
  SignatureDoesNotMatch: wrongSecret,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  RequestExpired: expired,
  InvalidToken: wrongToken,
  RequestTimeTooSkewed: skewed,
  RequestInTheFuture: skewed,
  NoSuchBucket: noSuchBucket,
  InvalidBucketName: ({ entry }) => ({
    code: 'S3_INVALID_BUCKET_NAME',
    message: `"${entry.info.bucket}" is not a valid bucket name`,
    hint: 'Give only the bucket, without s3:// and path; directories belong in base_path.',
  }),
  PermanentRedirect: wrongRegion,
  Redirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  InvalidRegion: wrongRegion,
  SecondLevelDomainForbidden: ({ entry }) => ({
    code: 'S3_VIRTUAL_HOSTED_STYLE_NEEDED',
    message: `${placeOf(entry)} expects the bucket in the host name`,
    hint: 'Set "virtual_hosted_style_request": true in the entry.',
  }),
  AllAccessDisabled: ({ entry }) => ({
    code: 'S3_BUCKET_DISABLED',
    message: `All access to bucket "${entry.info.bucket}" has been disabled by the provider`,
    hint: 'Ask the owner of the account.',
  }),
  AccessControlListNotSupported: ({ entry }) => ({
    code: 'S3_ACL_REFUSED',
    message: `Bucket "${entry.info.bucket}" does not accept ACLs`,
    hint: 'Remove "acl" from the entry, or enable ACLs in the object ownership settings of the bucket.',
  }),
  InvalidStorageClass: ({ entry }) => ({
    code: 'S3_STORAGE_CLASS_REFUSED',
    message: `${placeOf(entry)} does not know the storage class "${entry.info.storageClass ?? ''}"`,
    hint: 'Correct or remove "storage_class" in the entry.',
  }),
  InvalidTag: ({ entry }) => ({
    code: 'S3_TAGS_REFUSED',
    message: `${placeOf(entry)} rejects the tags of ${entryName(entry)}`,
    hint: 'An object can have 10 tags, with keys of up to 128 and values of up to 256 characters, without special characters.',
  }),
  NotImplemented: ({ entry, operation }) => ({
    code: 'S3_NOT_SUPPORTED',
    message: `${placeOf(entry)} does not support a part of the request ${operation}`,
    hint: 'Remove settings that it may not support (tags, acl, storage_class, server_side_encryption), and set "request_checksum": "when_required".',
  }),
  MethodNotAllowed: notAllowed,
  MissingContentLength: streamRefused,
  XAmzContentSHA256Mismatch: corrupted,
  BadDigest: corrupted,
  EntityTooLarge: ({ shown }) => ({
    code: 'S3_OBJECT_TOO_LARGE',
    message: `${shown} would be larger than the store allows`,
    hint: 'Split the output with --max-rows-per-file.',
  }),
  KeyTooLongError: ({ shown }) => ({
    code: 'S3_KEY_TOO_LONG',
    message: `${shown} is longer than the 1,024 bytes that S3 allows`,
    hint: 'Give a shorter base_path or --sub-path.',
  }),
  EntityTooSmall: ({ entry }) => ({
    code: 'S3_PARTS_TOO_SMALL',
    message: `${placeOf(entry)} requires larger parts in an upload`,
    hint: 'Raise "part_size" in the entry.',
  }),
  InvalidPart: ({ shown }) => ({
    code: 'S3_UPLOAD_INCOMPLETE',
    message: `Parts of the staged upload of ${shown} no longer exist in the store, or have changed`,
    hint: 'Do not let lifecycle rules or other programs abort uploads during a run; export the table again.',
  }),
  NoSuchUpload: ({ shown }) => ({
    code: 'S3_UPLOAD_GONE',
    message: `The staged upload of ${shown} disappeared from the store before it was published`,
    hint: 'Do not let lifecycle rules or other programs abort uploads during a run; export the table again.',
  }),
  OperationAborted: conflict,
  ConditionalRequestConflict: conflict,
  NoSuchKey: ({ shown }) => ({ code: 'S3_OBJECT_GONE', message: `${shown} disappeared while it was in use` }),
  QuotaExceeded: full,
  XMinioStorageFull: full,
  XMinioAdminBucketQuotaExceeded: full,
  InsufficientStorage: full,
  InvalidObjectState: ({ shown }) => ({
    code: 'S3_ARCHIVED',
    message: `${shown} is archived and cannot be read`,
    hint: 'Restore it first, or choose a storage_class with immediate access.',
  }),
};

/** For responses without an error code: those to HEAD, and those of proxies. */
const BY_STATUS: Readonly<Record<number, Explain>> = {
  301: wrongRegion,
  403: denied,
  404: (attempt) => (attempt.operation === 'HeadBucket' ? noSuchBucket(attempt) : notFound(attempt)),
  405: notAllowed,
  407: ({ place }) => explainProxyRefusal(place),
  411: streamRefused,
  507: full,
};

/** Maps an error response. Throttling and failures of the service itself are transient; nothing else is. */
export function explainAnswer(attempt: S3Attempt, answer: ServiceAnswer): Explanation {
  const explain = BY_CODE[answer.code] ?? special(answer, attempt) ?? BY_STATUS[answer.status] ?? other;
  return explain(attempt, answer);
}

function special(answer: ServiceAnswer, { operation, accepted }: S3Attempt): Explain | undefined {
  // Responses to HEAD have no body with ExpiredToken, and nothing else can be wrong with such a request.
  if (answer.status === 400 && operation === 'HeadObject' && accepted) return expired;
  if (answer.code.startsWith('KMS.')) return keyService;
  if (answer.status === 429 || answer.status === 503 || /SlowDown|Throttl|TooManyRequests/.test(answer.code))
    return busy;
  if (answer.status >= 500 && answer.status !== 501 && answer.status !== 507) return failing;
  if (answer.code === 'RequestTimeout') return failing;
  if (answer.code.startsWith('AccessDenied')) return denied;
  return undefined;
}

function notFound({ entry, shown }: S3Attempt): Explanation {
  return {
    code: 'S3_NOT_FOUND',
    message: `${placeOf(entry)} reports that ${shown} does not exist`,
    hint: 'Check "bucket" and "endpoint_url" of the entry.',
  };
}

function notAllowed({ entry, operation, shown }: S3Attempt): Explanation {
  return {
    code: 'S3_NOT_ALLOWED',
    message: `${placeOf(entry)} does not allow ${operation} on ${shown}`,
    hint: 'Look for an object lock, a read-only replica, or an endpoint_url that is not the address of the S3 API.',
  };
}

function busy({ entry }: S3Attempt): Explanation {
  return {
    code: 'S3_BUSY',
    message: `${placeOf(entry)} throttles requests, and still did after ${entry.info.maxRetries} retries`,
    hint: 'Lower "upload_concurrency" of the entry or --n-jobs, or raise "max_retries".',
    transient: true,
  };
}

function failing({ entry, operation }: S3Attempt, { status }: ServiceAnswer): Explanation {
  // SeaweedFS responds like this to encryption without a key service.
  const suspect = createsObject(operation) ? entry.info.serverSideEncryption : undefined;
  return {
    code: 'S3_SERVICE_FAILED',
    message: `${placeOf(entry)} failed at ${operation} (HTTP ${status}), and still failed after ${entry.info.maxRetries} retries`,
    hint:
      suspect === undefined
        ? 'Try again later, or raise "max_retries" of the entry.'
        : `Try again later, or raise "max_retries" of the entry; a store may also fail like this if it does not support "server_side_encryption": "${suspect}".`,
    transient: true,
  };
}

function corrupted({ entry, shown }: S3Attempt): Explanation {
  return {
    code: 'S3_CORRUPTED_ON_THE_WAY',
    message: `${placeOf(entry)} received different bytes for ${shown} than were sent`,
    hint: 'Look for a proxy or network device between here and the store that alters the data.',
    transient: true,
  };
}

function conflict({ shown }: S3Attempt): Explanation {
  return {
    code: 'S3_CONFLICT',
    message: `Another request was changing ${shown} at the same moment`,
    hint: 'Do not let two exports write the same tables to the same place.',
    transient: true,
  };
}

function streamRefused({ entry }: S3Attempt): Explanation {
  return {
    code: 'S3_NOT_SUPPORTED',
    message: `${placeOf(entry)} does not support the framing of this request`,
    hint: 'Set "request_checksum": "when_required" in the entry.',
  };
}

function full({ entry }: S3Attempt): Explanation {
  return {
    code: 'S3_QUOTA_EXCEEDED',
    message: `No space is left for bucket "${entry.info.bucket}" at ${placeOf(entry)}, or its quota is used up`,
    hint: 'Remove old exports, or ask for a larger quota.',
  };
}

function other({ entry, operation, shown }: S3Attempt, { code, status, message }: ServiceAnswer): Explanation {
  const { storageClass, acl, tags, serverSideEncryption } = entry.info;
  const optional = {
    storage_class: storageClass,
    acl,
    tags: Object.keys(tags).length === 0 ? undefined : tags,
    server_side_encryption: serverSideEncryption,
  };
  const suspects = Object.entries(optional).filter(([, value]) => value !== undefined);
  // The SDK's text for a response without a message.
  const words = message === '' || message === code || message === 'UnknownError' ? '' : `, ${message}`;
  return {
    code: 'S3_REFUSED',
    message: `${placeOf(entry)} refuses ${operation} of ${shown}: ${code} (HTTP ${status})${words}`,
    ...(suspects.length === 0
      ? {}
      : { hint: `The store may not support or allow ${suspects.map(([name]) => name).join(', ')} of the entry.` }),
  };
}
