import { ENVIRONMENT } from '../../environment.js';
import { AZURE_SECRET_VARIABLES, type AzureEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import type { Agents } from '../http/agents.js';
import {
  type Explanation,
  explainedError,
  type RemotePlace,
  type RemoteService,
  textField,
} from '../http/error-mapping.js';
import { explainNetworkError } from '../http/network-error.js';
import { type AzureAnswer, answerOf } from './response.js';
import { explainAnswer, explainStranger } from './response-error.js';
import { explainCredentialsError } from './credentials-error.js';
import type { AzureAttempt } from './attempt.js';

const SERVICE: RemoteService = { prefix: 'AZURE', name: 'Azure Blob Storage', address: 'account or endpoint' };

/** Where the entry's requests go, for errors. */
export function placeOf(entry: AzureEntry, address: string, agents: Agents): RemotePlace {
  const plainProxy = agents.plainProxy(address);
  return { service: SERVICE, entry: entry.id, origin: new URL(address).origin, settings: entry.info, plainProxy };
}

/** Maps a failed request to a `LakeportError` without secrets. Errors that are already mapped pass unchanged. */
export function explain(thrown: unknown, attempt: AzureAttempt): LakeportError {
  if (thrown instanceof LakeportError) return thrown;
  const { entry, place, shown } = attempt;
  const answer = answerOf(thrown);
  const failed = {
    place,
    shown,
    detail: detailOf(thrown, answer),
    secrets: [...secretsOf(entry), ...AZURE_SECRET_VARIABLES.map((name) => ENVIRONMENT[name])],
  };
  return explainedError(explanationOf(thrown, answer, attempt), failed, withoutSignatures(thrown));
}

function explanationOf(thrown: unknown, answer: AzureAnswer | undefined, attempt: AzureAttempt): Explanation {
  if (answer !== undefined) return answer.isAzure ? explainAnswer(answer, attempt) : explainStranger(answer, attempt);
  return (
    explainNetworkError(attempt.place, thrown) ??
    cutAnswer(thrown, attempt) ??
    explainCredentialsError(thrown, attempt) ?? {
      code: 'AZURE_REQUEST_FAILED',
      message: `The request to ${attempt.operation} ${attempt.shown} failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    }
  );
}

/** The Azure client's code for a truncated response. */
function cutAnswer(thrown: unknown, { place }: AzureAttempt): Explanation | undefined {
  if (textField(thrown, 'code') !== 'PARSE_ERROR') return undefined;
  return explainNetworkError(place, Object.assign(new Error('cut'), { code: 'ECONNRESET' }));
}

/** The service's own code, HTTP status or errno. */
function detailOf(thrown: unknown, answer: AzureAnswer | undefined): string {
  if (answer !== undefined) return `${answer.code ?? 'no code'} (HTTP ${answer.status})`;
  return textField(thrown, 'code') ?? (thrown instanceof Error ? thrown.name : 'no response');
}

function secretsOf({ info: { credentials } }: AzureEntry): string[] {
  switch (credentials.kind) {
    case 'account-key':
      return [credentials.accountKey];
    case 'sas':
      return [credentials.sasToken];
    case 'connection-string':
      return [credentials.connectionString];
    case 'service-principal':
      return [credentials.clientSecret];
    case 'token':
      return [credentials.token];
    case 'workload-identity':
    case 'managed-identity':
    case 'azure-cli':
    case 'default':
      return [];
  }
}

/** URLs of copies contain signatures created just for them, which are in no list of secrets. */
function withoutSignatures(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const clean = (text: string) => text.replace(/\bsig=[^&\s"']+/g, 'sig=***');
  const copy = new Error(clean(thrown.message));
  copy.name = thrown.name;
  copy.stack = clean(thrown.stack ?? '');
  return copy;
}
