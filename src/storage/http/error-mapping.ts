import { Redactor } from '../../auth/redaction.js';
import type { NetworkSettings } from '../network-settings.js';
import type { ExitClass } from '../../errors.js';
import type { ProxyAddress } from './proxy-address.js';
import { RemoteError } from './store-error.js';

/** What a failed request means to somebody who wants a table exported. */
export interface Explanation {
  readonly code: string;
  readonly exit: ExitClass;
  readonly message: string;
  readonly hint?: string;
  readonly transient?: boolean;
  /** False where the request reached nobody. */
  readonly connected?: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** Where requests go, in the words of errors. */
export interface RemotePlace {
  /** Before the code of errors: `GCS`, `AZURE`. */
  readonly prefix: string;
  /** Id of the storage entry. */
  readonly entry: string;
  /** `https://storage.googleapis.com`, without credentials. */
  readonly origin: string;
  readonly settings: NetworkSettings;
  /** The proxy that answers may come from instead; see `Agents.plainProxy`. */
  readonly plainProxy?: ProxyAddress | undefined;
}

/** What was being done when something went wrong. */
export interface FailedRequest {
  readonly place: RemotePlace;
  /** For people: `gs://bucket/key`. */
  readonly shown: string;
  /** The service's own words: error code, HTTP status, errno. */
  readonly detail: string;
  readonly redactor: Redactor;
}

export function explainedError(explanation: Explanation, failed: FailedRequest, thrown: unknown): RemoteError {
  const { place, shown, detail, redactor } = failed;
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
export function redactorOf(settings: NetworkSettings, secrets: readonly (string | undefined)[]): Redactor {
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
