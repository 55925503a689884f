import type { AzureEntry } from './info.js';
import type { RemotePlace } from '../http/error-mapping.js';
import type { AzureOperation } from './operation.js';

/** What was being done when something went wrong. */
export interface AzureAttempt {
  readonly entry: AzureEntry;
  readonly place: RemotePlace;
  readonly operation: AzureOperation;
  /** For people: the blob's address, without a signature. */
  readonly shown: string;
  /** The service has accepted the entry's credentials before. */
  readonly accepted: boolean;
}
