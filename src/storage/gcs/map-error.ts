import type { GcsEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import {
  type Explanation,
  explainedError,
  field,
  type RemoteAttempt,
  type RemotePlace,
  type RemoteService,
  textField,
} from '../http/error-mapping.js';
import { explainNetworkError, explainProxyRefusal, explainWebPage } from '../http/network-error.js';
import { isTransientStatus, retryAfter } from '../http/store-error.js';
import { GcsAnswerError, GcsWebPageError } from './response-error.js';
import { expired, explainCredentialsError } from './credentials-error.js';
import { type GcsOperation, PERMISSIONS } from './operation.js';

export type GcsAttempt = RemoteAttempt<GcsEntry, GcsOperation>;

const SERVICE: RemoteService = { prefix: 'GCS', name: 'Cloud Storage', address: 'endpoint_url' };

/** Where the entry's requests go, for errors. */
export function placeOf(entry: GcsEntry, endpoint: URL): RemotePlace {
  return { service: SERVICE, entry: entry.id, origin: endpoint.origin, settings: entry.info };
}

/** Maps a failed request to a `LakeportError` without secrets. Errors that are already mapped pass unchanged. */
export function explain(thrown: unknown, attempt: GcsAttempt): LakeportError {
  if (thrown instanceof LakeportError) return thrown;
  const { entry, place, shown } = attempt;
  const { credentials } = entry.info;
  const secrets = [credentials.kind === 'key' ? credentials.key.private_key : undefined];
  return explainedError(explanationOf(thrown, attempt), { place, shown, detail: detailOf(thrown), secrets }, thrown);
}

function explanationOf(thrown: unknown, attempt: GcsAttempt): Explanation {
  if (thrown instanceof GcsWebPageError) return explainWebPage(attempt.place, thrown.status);
  if (thrown instanceof GcsAnswerError) return explainAnswer(thrown, attempt);
  return (
    explainNetworkError(attempt.place, thrown) ??
    explainCredentialsError(thrown, attempt) ?? {
      code: 'GCS_REQUEST_FAILED',
      message: `The request to ${attempt.operation} ${attempt.shown} failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    }
  );
}

/** The service's own reason, HTTP status or errno. */
function detailOf(thrown: unknown): string {
  if (thrown instanceof GcsAnswerError) return `${thrown.reason ?? 'no reason'} (HTTP ${thrown.status})`;
  const status = field(field(thrown, 'response'), 'status');
  return textField(thrown, 'code') ?? (typeof status === 'number' ? `HTTP ${status}` : 'no response');
}

/** Reasons of the JSON API that are more specific than their status. */
const BY_REASON: Readonly<Record<string, (attempt: GcsAttempt) => Explanation>> = {
  rateLimitExceeded: throttled,
  userRateLimitExceeded: throttled,
  quotaExceeded: throttled,
  retentionPolicyNotMet: ({ shown }) => ({
    code: 'GCS_RETENTION_POLICY',
    message: `${shown} cannot be replaced or removed yet: a retention policy of the bucket protects it`,
    hint: 'Export to a prefix without such a policy, or to a new --sub-path every time.',
  }),
  objectUnderActiveHold: ({ shown }) => ({
    code: 'GCS_OBJECT_HELD',
    message: `${shown} cannot be replaced or removed: it has a hold`,
    hint: 'Release the hold, or export to another --sub-path.',
  }),
  accountDisabled: billing,
  billingNotEnabled: billing,
  userProjectMissing: ({ entry }) => ({
    code: 'GCS_REQUESTER_PAYS',
    message: `The bucket ${entry.info.bucket} uses "requester pays", which lakeport does not support`,
    hint: 'Turn off "requester pays" for the bucket.',
  }),
  insufficientPermissions: ({ entry }) => ({
    code: 'GCS_SCOPE_MISSING',
    message: `The credentials of storage entry "${entry.id}" have no scope for Cloud Storage`,
    hint: 'Give the machine the scope "cloud-platform", or use a key file (credentials_file).',
  }),
};

function explainAnswer(answer: GcsAnswerError, attempt: GcsAttempt): Explanation {
  const { shown, operation, entry, place } = attempt;
  const { status, reason = '' } = answer;
  const known = Object.hasOwn(BY_REASON, reason) ? BY_REASON[reason] : undefined;
  const retryAfterMs = retryAfter(answer.headers['retry-after']);
  if (known !== undefined) return { retryAfterMs, ...known(attempt) };
  if (status === 429) return { retryAfterMs, ...throttled(attempt) };
  if (status === 407) return explainProxyRefusal(place);
  if (status === 401) return refusedCredentials(attempt);
  if (status === 403) return denied(answer, attempt);
  if (status === 404) return notFound(attempt);
  if (isTransientStatus(status)) {
    return {
      code: 'GCS_SERVICE_ERROR',
      message: `Cloud Storage failed to ${operation} ${shown} (HTTP ${status})`,
      hint: 'Usually temporary; check status.cloud.google.com for an ongoing incident.',
      transient: true,
      retryAfterMs,
    };
  }
  return {
    code: 'GCS_REQUEST_REFUSED',
    message: `Cloud Storage refused to ${operation} ${shown} (HTTP ${status}): ${answer.message}`,
    hint: `Check bucket and base_path of storage entry "${entry.id}".`,
  };
}

function throttled({ entry }: GcsAttempt): Explanation {
  return {
    code: 'GCS_THROTTLED',
    message: `Cloud Storage throttles requests to the bucket ${entry.info.bucket}`,
    hint: 'Lower --n-jobs or -p, or raise "max_retries" of the entry.',
    transient: true,
  };
}

function billing({ entry }: GcsAttempt): Explanation {
  return {
    code: 'GCS_BILLING_DISABLED',
    message: `The project that owns the bucket ${entry.info.bucket} has no active billing account`,
    hint: 'Enable billing for the project.',
  };
}

function refusedCredentials({ entry, accepted }: GcsAttempt): Explanation {
  if (accepted) return expired(entry);
  const anonymous = entry.info.endpointUrl !== undefined && entry.info.credentials.kind === 'default';
  return {
    code: 'GCS_CREDENTIALS_REFUSED',
    message: anonymous
      ? `The endpoint of storage entry "${entry.id}" requires credentials, but the entry has none`
      : `Cloud Storage does not accept the credentials of storage entry "${entry.id}": they are wrong, expired or revoked`,
    hint: anonymous
      ? 'Give credentials_file or service_account_key: default credentials are not sent to an endpoint_url.'
      : 'Create a new key (credentials_file), or log in again with "gcloud auth application-default login".',
  };
}

function denied({ permission }: GcsAnswerError, { entry, operation, shown }: GcsAttempt): Explanation {
  return {
    code: 'GCS_ACCESS_DENIED',
    message: `The account of storage entry "${entry.id}" may not ${operation} ${shown}: it lacks ${permission ?? PERMISSIONS[operation]}`,
    hint: `Grant it roles/storage.objectUser on the bucket ${entry.info.bucket}.`,
  };
}

function notFound({ entry }: GcsAttempt): Explanation {
  return {
    code: 'GCS_NO_SUCH_BUCKET',
    message: `There is no bucket ${entry.info.bucket} that the account of storage entry "${entry.id}" can see`,
    hint: 'Check "bucket" of the entry, or create it with "gcloud storage buckets create".',
  };
}
