import { bucketUrl } from '../directory-url.js';
import type { Store } from '../store.js';
import { AZURE_SECRET_VARIABLES, type AzureInfo } from './info.js';

/** Azure Blob Storage, Data Lake Storage and OneLake. */
export const azure: Store<AzureInfo> = {
  name: 'azure',
  types: { azure: {}, azure_blob: {}, azure_adls: {}, onelake: { use_fabric_endpoint: true } },
  schemes: ['az', 'azure', 'abfs', 'abfss', 'adl', 'adls', 'wasb', 'wasbs', 'onelake'],
  host: /\.(?:blob|dfs)\.(?:core\.|storage\.|fabric\.)/i,
  takesHttps: true,
  secretVariables: AZURE_SECRET_VARIABLES,
  fields: async () => (await import('./auth-fields.js')).azureFields,
  address: ({ container, accountName, basePath }) =>
    bucketUrl('az', accountName === undefined ? container : `${container}@${accountName}`, basePath),
  endpoint: ({ endpointUrl }) => endpointUrl,
  open: async (entry) => (await import('./index.js')).openAzureStorage(entry),
};
