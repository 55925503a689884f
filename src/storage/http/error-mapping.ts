import { Redactor } from '../../auth/redaction.js';
import type { NetworkSettings } from '../network-settings.js';
import type { ErrorCode, StorePrefix } from '../../errors.js';
import type { ProxyAddress } from './proxy-address.js';
import { RemoteError } from './store-error.js';

/** What a failed request means to somebody who wants a table exported. */
export interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly transient?: boolean;
  /** False where the request reached nobody. */
  readonly connected?: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** A service, in the words of errors. */
export interface RemoteService {
  /** Before the code of errors: `GCS`, `AZURE`, `S3`. */
  readonly prefix: StorePrefix;
  readonly name: string;
  /** What to check where a host is unknown: `the account or endpoint`. */
  readonly address: string;
  /** What errors say where something else answers; the code ends in `_NOT_THE_SERVICE` without it. */
  readonly notTheService?: { readonly code: ErrorCode; readonly hint: string };
}

/** Where requests go, in the words of errors. */
export interface RemotePlace {
  readonly service: RemoteService;
  /** Id of the storage entry. */
  readonly entry: string;
  /** `https://storage.googleapis.com`, without credentials. */
  readonly origin: string;
  readonly settings: NetworkSettings;
  /** The proxy that answers may come from instead; see `Agents.plainProxy`. */
  readonly plainProxy?: ProxyAddress | undefined;
  /** Why a host may be unknown, or have no certificate, that this program has made up of a setting. */
  readonly explainHost?: (host: string) => Explanation | undefined;
}

/** One request of a store, and what is known about it when it fails. */
export interface RemoteAttempt<Entry, Operation> {
  readonly entry: Entry;
  readonly place: RemotePlace;
  readonly operation: Operation;
  /** For people: `gs://bucket/key`, without a signature. */
  readonly shown: string;
  /** The service has accepted the entry's credentials before. */
  readonly accepted: boolean;
}

/** What was being done when something went wrong. */
export interface FailedRequest {
  readonly place: RemotePlace;
  /** For people: `gs://bucket/key`. */
  readonly shown: string;
  /** The service's own words: error code, HTTP status, errno. */
  readonly detail: string;
  /** Of the entry and of the environment; that of its proxy is known here. */
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

/** Name, message and stack alone: errors of clients carry requests, with keys and signed addresses in them. */
function harmless(thrown: unknown, redactor: Redactor): Error {
  const cause = new Error(redactor.redact(thrown instanceof Error ? thrown.message : String(thrown)));
  if (thrown instanceof Error) {
    cause.name = thrown.name;
    if (thrown.stack !== undefined) cause.stack = redactor.redact(thrown.stack);
  }
  return cause;
}

/** A redactor that knows these secrets and the proxy's password. */
function redactorOf(settings: NetworkSettings, secrets: readonly (string | undefined)[]): Redactor {
  const redactor = new Redactor();
  for (const secret of secrets) redactor.add(secret ?? '');
  redactor.addInner(settings.proxyUrl ?? '');
  return redactor;
}

/** A property of a thrown value, whatever that is. */
export function field(thrown: unknown, name: string): unknown {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  // A record of unknown values is what any object is.
  return (thrown as Readonly<Record<string, unknown>>)[name];
}

export function textField(thrown: unknown, name: string): string | undefined {
  const value = field(thrown, name);
  return typeof value === 'string' ? value : undefined;
}
