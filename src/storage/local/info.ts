import type { NetworkSettings } from '../network-settings.js';

export interface LocalInfo extends NetworkSettings {
  readonly directory: string;
}
