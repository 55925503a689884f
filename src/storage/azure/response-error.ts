import type { Explanation } from '../http/error-mapping.js';
import { explainProxyRefusal, explainWebPage } from '../http/network-error.js';
import { THEN_RESUME } from '../http/expired-credentials.js';
import { proxyPage } from '../http/proxy.js';
import { explainProxyError } from '../http/proxy-error.js';
import { isTransientStatus, retryAfter } from '../http/store-error.js';
import type { AzureAnswer } from './response.js';
import type { AzureAttempt } from './attempt.js';
import { expired } from './credentials-error.js';
import { DATA_ACTIONS, SAS_LETTERS } from './operation.js';
import { readSas } from './sas.js';

/** The service rejects signatures when the clock is off by more than 15 minutes. */
const TOLERATED_SKEW_MS = 14 * 60_000;

/** For a signature whose validity is set by a stored access policy, and for a token. */
const EXPIRED = /not valid in the specified time frame|token is expired|lifetime validation failed/i;

type Explain = (attempt: AzureAttempt, answer: AzureAnswer) => Explanation;

/** Error codes of the service; Azure Storage REST API, "Common REST API error codes" and "Blob service error codes". */
const BY_CODE: Readonly<Record<string, Explain>> = {
  ContainerNotFound: noContainer,
  ContainerBeingDeleted: noContainer,
  ContainerDisabled: noContainer,
  FilesystemNotFound: noContainer,
  InvalidResourceName: ({ entry }) => ({
    code: 'AZURE_BAD_NAME',
    message: `"${entry.info.container}" is not a valid container name`,
    hint: 'Container names have 3 to 63 lower-case letters, digits and dashes.',
  }),
  AuthenticationFailed: unauthenticated,
  AuthorizationFailure: unauthenticated,
  InvalidAuthenticationInfo: unauthenticated,
  NoAuthenticationInformation: unauthenticated,
  AuthorizationPermissionMismatch: denied,
  AuthorizationServiceMismatch: sasTooNarrow,
  AuthorizationResourceTypeMismatch: sasTooNarrow,
  AuthorizationProtocolMismatch: () => ({
    code: 'AZURE_SAS_HTTPS_ONLY',
    message: 'The shared access signature only allows https',
    hint: 'Use https in endpoint_url.',
  }),
  AuthorizationSourceIPMismatch: ({ entry }) => ({
    code: 'AZURE_ADDRESS_NOT_ALLOWED',
    message: `The shared access signature of storage entry "${entry.id}" is not valid for this machine's IP address`,
    hint: "Create one without an IP address, or with this machine's.",
  }),
  InsufficientAccountPermissions: denied,
  KeyBasedAuthenticationNotPermitted: ({ entry }) => ({
    code: 'AZURE_KEYS_FORBIDDEN',
    message: `The account of storage entry "${entry.id}" accepts neither account keys nor signatures created with them`,
    hint: 'Use tenant_id, client_id and client_secret, or remove all credentials to use the default credential.',
  }),
  AccountIsDisabled: ({ entry }) => ({
    code: 'AZURE_ACCOUNT_DISABLED',
    message: `The account of storage entry "${entry.id}" is disabled`,
    hint: 'Check the subscription in the Azure portal.',
  }),
  BlobImmutableDueToPolicy: immutable,
  BlobImmutableDueToLegalHold: immutable,
  LeaseIdMissing: ({ shown }) => ({
    code: 'AZURE_BLOB_LEASED',
    message: `${shown} cannot be replaced or removed: it has an active lease`,
    hint: 'Release the lease, or export to another --sub-path.',
  }),
  SnapshotsPresent: ({ shown }) => ({
    code: 'AZURE_BLOB_HAS_SNAPSHOTS',
    message: `${shown} cannot be removed while it has snapshots`,
    hint: 'Delete its snapshots, or export to another --sub-path.',
  }),
  InvalidBlobType: ({ shown }) => ({
    code: 'AZURE_OTHER_BLOB_TYPE',
    message: `${shown} is an append or page blob, which cannot be replaced by a file`,
    hint: 'Delete it, or export to another --sub-path.',
  }),
  InvalidBlobOrBlock: ({ shown }) => ({
    code: 'AZURE_FOREIGN_BLOCKS',
    message: `Another program left uncommitted blocks at ${shown}, which cannot be mixed with those of lakeport`,
    hint: 'They expire after a week; until then, export to another --sub-path.',
  }),
  BlockCountExceedsLimit: ({ shown }) => ({
    code: 'AZURE_TOO_MANY_BLOCKS',
    message: `${shown} has too many uncommitted blocks from failed attempts`,
    hint: 'They expire after a week; until then, export to another --sub-path.',
  }),
};

export function explainAnswer(answer: AzureAnswer, attempt: AzureAttempt): Explanation {
  const { code = '', status } = answer;
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known(attempt, answer);
  const retryAfterMs = retryAfter(answer.retryAfter);
  if (status === 429 || (status === 503 && code === 'ServerBusy')) {
    return { retryAfterMs, ...throttled(attempt) };
  }
  if (status === 401) return unauthenticated(attempt, answer);
  if (status === 403) return denied(attempt);
  if (isTransientStatus(status)) {
    return {
      code: 'AZURE_SERVICE_ERROR',
      message: `Azure failed to ${attempt.operation} ${attempt.shown} (HTTP ${status})`,
      hint: 'Usually temporary; check status.azure.com for an ongoing incident.',
      transient: true,
      retryAfterMs,
    };
  }
  return {
    code: 'AZURE_REQUEST_REFUSED',
    message: `Azure refused to ${attempt.operation} ${attempt.shown} (HTTP ${status}): ${answer.message}`,
    hint: `Check container and base_path of storage entry "${attempt.entry.id}".`,
  };
}

/** A response without the service's headers: from a proxy, a login page, another server. */
export function explainStranger(answer: AzureAnswer, { place }: AzureAttempt): Explanation {
  const { plainProxy: proxy, origin } = place;
  const page = proxyPage(proxy, answer.status, new URL(origin).host);
  const ofProxy = page && explainProxyError(page);
  if (ofProxy !== undefined) return ofProxy;
  if (answer.status === 407) return explainProxyRefusal(place);
  const explanation = explainWebPage(place, answer.status);
  return { ...explanation, transient: isTransientStatus(answer.status), retryAfterMs: retryAfter(answer.retryAfter) };
}

function throttled({ entry }: AzureAttempt): Explanation {
  return {
    code: 'AZURE_THROTTLED',
    message: `Azure throttles requests to the account of storage entry "${entry.id}"`,
    hint: 'Lower --n-jobs or -p, or raise "max_retries" of the entry.',
    transient: true,
  };
}

function noContainer({ entry }: AzureAttempt): Explanation {
  return {
    code: 'AZURE_NO_SUCH_CONTAINER',
    message: `There is no container ${entry.info.container} in the account of storage entry "${entry.id}"`,
    hint: 'Check "container" of the entry, or create it with "az storage container create".',
  };
}

function immutable({ shown }: AzureAttempt): Explanation {
  return {
    code: 'AZURE_BLOB_IMMUTABLE',
    message: `${shown} cannot be replaced or removed: an immutability policy or a legal hold protects it`,
    hint: 'Export to a container without such a policy, or to a new --sub-path every time.',
  };
}

/** One code for several mistakes, distinguished by the signature's own fields and by the clocks. */
function unauthenticated(attempt: AzureAttempt, answer: AzureAnswer): Explanation {
  const { entry } = attempt;
  const { credentials } = entry.info;
  const now = answer.date ?? Date.now();
  const skew = Date.now() - now;
  if (Math.abs(skew) > TOLERATED_SKEW_MS) {
    return {
      code: 'AZURE_CLOCK_SKEW',
      message: `Azure rejects the credentials of storage entry "${entry.id}": the clock of this machine is ${Math.round(Math.abs(skew) / 60_000)} minutes ${skew > 0 ? 'fast' : 'slow'}`,
      hint: 'Set the clock, for example by NTP.',
    };
  }
  const sas = readSas(entry);
  if (sas?.expiresAt !== undefined && sas.expiresAt <= now) {
    return {
      code: 'AZURE_SAS_EXPIRED',
      message: `The shared access signature of storage entry "${entry.id}" expired on ${new Date(sas.expiresAt).toISOString()}`,
      hint: `Create a new sas_token that outlasts the longest run${THEN_RESUME}`,
    };
  }
  if (sas?.startsAt !== undefined && sas.startsAt > now) {
    return {
      code: 'AZURE_SAS_NOT_YET_VALID',
      message: `The shared access signature of storage entry "${entry.id}" is not valid before ${new Date(sas.startsAt).toISOString()}`,
      hint: 'Wait, or create a sas_token without a start time.',
    };
  }
  const wasGood = attempt.accepted && answer.code !== 'AuthorizationFailure' && missingLetters(attempt) === '';
  if (wasGood || EXPIRED.test(answer.authenticationDetail)) return expired(entry, attempt);
  if (sas !== undefined) {
    const missing = missingLetters(attempt);
    return missing === ''
      ? wrong(entry.id, 'shared access signature', 'Copy the whole sas_token, including "sig".')
      : denied(attempt);
  }
  if (credentials.kind === 'account-key' || credentials.kind === 'connection-string' || entry.info.useEmulator) {
    return wrong(
      entry.id,
      'account key',
      'Copy account_name and account_key from "Access keys" of the storage account; rotated keys are invalid. A firewall of the account may reject this machine with the same message.',
    );
  }
  return wrong(entry.id, 'token', 'Check tenant_id, client_id and client_secret, or log in again with "az login".');
}

function wrong(id: string, what: string, hint: string): Explanation {
  return {
    code: 'AZURE_CREDENTIALS_REFUSED',
    message: `Azure does not accept the ${what} of storage entry "${id}": it is wrong, expired or revoked`,
    hint,
  };
}

function denied(attempt: AzureAttempt): Explanation {
  const { entry, operation, shown } = attempt;
  const signed = readSas(entry) !== undefined;
  const missing = missingLetters(attempt);
  const letters = missing === '' ? SAS_LETTERS[operation].join('') : missing;
  return {
    code: 'AZURE_ACCESS_DENIED',
    message: `Storage entry "${entry.id}" may not ${operation} ${shown}: it lacks ${signed ? `"${letters}" in the permissions (sp) of its shared access signature` : DATA_ACTIONS[operation]}`,
    hint: signed
      ? 'Create a sas_token with the permissions "rcwdl" for the container.'
      : `Grant "Storage Blob Data Contributor" on the container ${entry.info.container}; new grants take a few minutes. The account's firewall may also be rejecting this machine.`,
  };
}

function sasTooNarrow({ entry }: AzureAttempt): Explanation {
  return {
    code: 'AZURE_SAS_TOO_NARROW',
    message: `The shared access signature of storage entry "${entry.id}" is not for blobs of a whole container`,
    hint: 'Create one for the container, or one for the account with service "b" and resource types "co".',
  };
}

/** Letters that the operation requires and that the signature lacks. */
function missingLetters({ entry, operation }: AzureAttempt): string {
  const permissions = readSas(entry)?.permissions;
  if (permissions === undefined) return '';
  const lacking = SAS_LETTERS[operation].filter((letter) => !permissions.includes(letter));
  // Either of the two allows writing a new blob.
  return lacking.join('');
}
