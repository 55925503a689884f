import type { GcsEntry } from './info.js';
import { expiredCredentials } from '../http/expired-credentials.js';
import { type Explanation, field, textField } from '../http/error-mapping.js';
import { isTransientStatus } from '../http/store-error.js';

/** Google's token service rejects assertions that are off by more than a few minutes. */
const TOLERATED_SKEW_MS = 5 * 60_000;

/**
 * Maps a failure to get a token. The Google client throws its transport's errors with the token service's response, and
 * plain errors if it finds no credentials at all.
 */
export function explainCredentialsError(
  thrown: unknown,
  { entry, accepted }: { readonly entry: GcsEntry; readonly accepted: boolean },
): Explanation | undefined {
  const response = field(thrown, 'response');
  const status = field(response, 'status');
  if (typeof status === 'number') return explainTokenAnswer({ entry, accepted, response, status });
  if (entry.info.credentials.kind !== 'default' || !(thrown instanceof Error)) return undefined;
  return {
    code: 'GCS_NO_CREDENTIALS',
    message: `There are no application default credentials for storage entry "${entry.id}"`,
    hint: 'Give credentials_file, set GOOGLE_APPLICATION_CREDENTIALS, or run "gcloud auth application-default login".',
  };
}

/** For credentials that were accepted earlier in this run. */
export function expired(entry: GcsEntry): Explanation {
  return expiredCredentials({
    prefix: 'GCS',
    what: `credentials of storage entry "${entry.id}"`,
    accepted: true,
    renew: 'Create a new key (credentials_file), or log in again with "gcloud auth application-default login"',
  });
}

interface TokenAnswer {
  readonly entry: GcsEntry;
  readonly accepted: boolean;
  readonly response: unknown;
  readonly status: number;
}

function explainTokenAnswer({ entry, accepted, response, status }: TokenAnswer): Explanation {
  if (isTransientStatus(status)) {
    return {
      code: 'GCS_TOKEN_SERVICE_ERROR',
      message: `Google's token service failed (HTTP ${status})`,
      hint: 'This is usually temporary.',
      transient: true,
    };
  }
  const skew = clockSkew(response);
  if (skew !== undefined) {
    return {
      code: 'GCS_CLOCK_SKEW',
      message: `Google rejects the credentials of storage entry "${entry.id}": the clock of this machine is ${Math.round(Math.abs(skew) / 60_000)} minutes ${skew > 0 ? 'fast' : 'slow'}`,
      hint: 'Set the clock, for example by NTP.',
    };
  }
  if (accepted) return expired(entry);
  const account = accountOf(entry);
  return {
    code: 'GCS_CREDENTIALS_REFUSED',
    message: `Google rejects the credentials of storage entry "${entry.id}"${account}: the key or the account is deleted or disabled, or the login has expired`,
    hint: 'Create a new key with "gcloud iam service-accounts keys create", or log in again with "gcloud auth application-default login".',
  };
}

function accountOf({ info: { credentials } }: GcsEntry): string {
  return credentials.kind === 'key' ? ` (${credentials.key.client_email})` : '';
}

/** How far this machine's clock is ahead of the server's, in milliseconds; undefined if that is tolerable. */
function clockSkew(response: unknown): number | undefined {
  const date = textField(field(response, 'headers'), 'date');
  const skew = date === undefined ? 0 : Date.now() - Date.parse(date);
  return Math.abs(skew) > TOLERATED_SKEW_MS ? skew : undefined;
}
