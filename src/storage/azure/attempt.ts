import type { AzureEntry } from './info.js';
import type { RemoteAttempt } from '../http/error-mapping.js';
import type { AzureOperation } from './operation.js';

/** What was being done when something went wrong. */
export type AzureAttempt = RemoteAttempt<AzureEntry, AzureOperation>;
