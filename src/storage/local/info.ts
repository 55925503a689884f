import type { StorageEntry } from '../../auth/entries.js';
import type { NetworkSettings } from '../network-settings.js';

export type LocalEntry = StorageEntry<LocalInfo>;

export interface LocalInfo extends NetworkSettings {
  readonly directory: string;
}
