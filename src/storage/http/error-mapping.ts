import { Redactor } from '../../auth/redaction.js';
import type { NetworkSettings } from '../network-settings.js';
import type { ErrorCode, StorePrefix } from '../../errors.js';
import type { ProxyAddress } from './proxy-address.js';
import { RemoteError } from './store-error.js';

/** What a failed request means to the user. */
export interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly transient?: boolean;
  /** False if the request reached nothing. */
  readonly connected?: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** A service, as worded in errors. */
export interface RemoteService {
  /** Prefix of error codes: `GCS`, `AZURE`, `S3`. */
  readonly prefix: StorePrefix;
  readonly name: string;
  /** What to check if a host is unknown: `the account or endpoint`. */
  readonly address: string;
  /** The error if something else responds; without it the code ends in `_NOT_THE_SERVICE`. */
  readonly notTheService?: { readonly code: ErrorCode; readonly hint: string };
}

/** Where requests go, as worded in errors. */
export interface RemotePlace {
  readonly service: RemoteService;
  /** Id of the storage entry. */
  readonly entry: string;
  /** `https://storage.googleapis.com`, without credentials. */
  readonly origin: string;
  readonly settings: NetworkSettings;
  /** The proxy that may respond instead; see `Agents.plainProxy`. */
  readonly plainProxy?: ProxyAddress | undefined;
  /** Explains why a host that was derived from a setting may be unknown or have no certificate. */
  readonly explainHost?: (host: string) => Explanation | undefined;
}

/** One request of a store, and what is known about it if it fails. */
export interface RemoteAttempt<Entry, Operation> {
  readonly entry: Entry;
  readonly place: RemotePlace;
  readonly operation: Operation;
  /** For messages: `gs://bucket/key`, without a signature. */
  readonly shown: string;
  /** Whether the service has accepted the entry's credentials before. */
  readonly accepted: boolean;
}

/** What was being attempted when an error occurred. */
export interface FailedRequest {
  readonly place: RemotePlace;
  /** For messages: `gs://bucket/key`. */
  readonly shown: string;
  /** The service's own error code, HTTP status or errno. */
  readonly detail: string;
  /** Secrets of the entry and the environment; the proxy's are known here. */
  readonly secrets: readonly (string | undefined)[];
}

export function explainedError(explanation: Explanation, failed: FailedRequest, thrown: unknown): RemoteError {
  const { place, shown, detail, secrets } = failed;
  const redactor = redactorOf(place.settings, secrets);
  return new RemoteError({
    ...explanation,
    message: redactor.redact(explanation.message),
    context: { entry: place.entry, path: shown, detail: redactor.redact(detail) },
    cause: harmless(thrown, redactor),
  });
}

/** Only name, message and stack: errors of clients carry requests, with keys and signed URLs in them. */
function harmless(thrown: unknown, redactor: Redactor): Error {
  const cause = new Error(redactor.redact(thrown instanceof Error ? thrown.message : String(thrown)));
  if (thrown instanceof Error) {
    cause.name = thrown.name;
    if (thrown.stack !== undefined) cause.stack = redactor.redact(thrown.stack);
  }
  return cause;
}

/** A redactor for these secrets and the proxy's password. */
function redactorOf(settings: NetworkSettings, secrets: readonly (string | undefined)[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret ?? '');
  redactor.addInner(settings.proxyUrl ?? '');
  return redactor;
}

/** A property of a thrown value of any type. */
export function field(thrown: unknown, name: string): unknown {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  // Any object is a record of unknown values.
  return (thrown as Readonly<Record<string, unknown>>)[name];
}

export function textField(thrown: unknown, name: string): string | undefined {
  const value = field(thrown, name);
  return typeof value === 'string' ? value : undefined;
}
