import type { AzureEntry } from './info.js';
import type { RemoteAttempt } from '../http/error-mapping.js';
import type { AzureOperation } from './operation.js';

/** What was being attempted when an error occurred. */
export type AzureAttempt = RemoteAttempt<AzureEntry, AzureOperation>;
