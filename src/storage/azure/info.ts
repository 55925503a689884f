import type { StorageEntry } from '../../auth/entries.js';
import type { NetworkSettings } from '../network-settings.js';

/** Environment variables with secrets that the SDK reads by itself. */
export const AZURE_SECRET_VARIABLES = [
  'AZURE_CLIENT_SECRET',
  'AZURE_STORAGE_KEY',
  'AZURE_STORAGE_CONNECTION_STRING',
  'AZURE_STORAGE_SAS_TOKEN',
];

export type AzureEntry = StorageEntry<AzureInfo>;

export interface AzureInfo extends NetworkSettings {
  /** Undefined if it is in the connection string, or the emulator's. */
  readonly accountName: string | undefined;
  readonly container: string;
  /** Segments separated by `/`, without leading or trailing slash; may be empty. */
  readonly basePath: string;
  readonly credentials: AzureCredentials;
  readonly endpointUrl: string | undefined;
  readonly useEmulator: boolean;
  /** True for OneLake: the account is `onelake`, the container a workspace. */
  readonly useFabricEndpoint: boolean;
}

export type AzureCredentials =
  | { readonly kind: 'account-key'; readonly accountKey: string }
  /** Without a leading `?`. */
  | { readonly kind: 'sas'; readonly sasToken: string }
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | {
      readonly kind: 'service-principal';
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
    }
  | {
      readonly kind: 'workload-identity';
      readonly tenantId: string | undefined;
      readonly clientId: string | undefined;
      readonly tokenFile: string;
    }
  /** A user-assigned identity by one of its ids. */
  | {
      readonly kind: 'managed-identity';
      readonly clientId: string | undefined;
      readonly objectId: string | undefined;
      readonly resourceId: string | undefined;
      /** URL of the identity service, if it is not the usual one. */
      readonly endpoint: string | undefined;
    }
  /** A bearer token. */
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'azure-cli' }
  /** Environment, workload identity, managed identity, command line login. */
  | { readonly kind: 'default' };
