import type { AzureEntry } from './info.js';
import { expiredCredentials } from '../http/expired-credentials.js';
import { type Explanation, field } from '../http/error-mapping.js';
import { isTransientStatus } from '../http/store-error.js';

/** Error names of Azure's identity client. */
const NAMES = [
  'CredentialUnavailableError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
];

/** Maps a failure to get a token; undefined for other errors. */
export function explainCredentialsError(
  thrown: unknown,
  { entry, accepted }: { readonly entry: AzureEntry; readonly accepted: boolean },
): Explanation | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (!NAMES.includes(thrown.name)) return undefined;
  const status = field(thrown, 'statusCode');
  if (typeof status === 'number' && isTransientStatus(status)) {
    return {
      code: 'AZURE_TOKEN_SERVICE_ERROR',
      message: `Microsoft's token service failed (HTTP ${status})`,
      hint: 'This is usually temporary.',
      transient: true,
    };
  }
  return accepted ? expired(entry, { accepted }) : explanation(entry);
}

/** Credentials that were valid before; a signature states its own expiry. */
export function expired(entry: AzureEntry, { accepted }: { readonly accepted: boolean }): Explanation {
  return expiredCredentials({
    prefix: 'AZURE',
    what: `credentials of storage entry "${entry.id}"`,
    accepted,
    renew: RENEW[entry.info.credentials.kind],
  });
}

const RENEW: Readonly<Record<AzureEntry['info']['credentials']['kind'], string>> = {
  'account-key': 'Copy the new account_key from "Access keys" of the storage account',
  'connection-string': 'Copy the new connection_string from "Access keys" of the storage account',
  sas: 'Create a new sas_token that outlasts the longest run',
  token: 'Get a new token, or give tenant_id, client_id and client_secret, with which tokens are renewed',
  'service-principal': 'Create a new client_secret for the application',
  'workload-identity': 'Check the token file, and the federated credential of the application',
  'managed-identity': 'Check that the identity is still assigned to this machine',
  'azure-cli': 'Log in again with "az login"',
  default: 'Log in again with "az login", or give credentials that are renewed',
};

function explanation(entry: AzureEntry): Explanation {
  const id = `storage entry "${entry.id}"`;
  switch (entry.info.credentials.kind) {
    case 'service-principal':
      return {
        code: 'AZURE_CREDENTIALS_REFUSED',
        message: `Microsoft issues no token to the service principal of ${id}: its secret is wrong or has expired, or the tenant or client does not exist`,
        hint: 'Check tenant_id, client_id and client_secret; secrets expire.',
      };
    case 'workload-identity':
      return {
        code: 'AZURE_CREDENTIALS_REFUSED',
        message: `Microsoft issues no token for the federated identity of ${id}`,
        hint: 'Check tenant_id, client_id and the token file, and the federated credential of the application.',
      };
    case 'managed-identity':
      return {
        code: 'AZURE_NO_CREDENTIALS',
        message: `This machine has no managed identity that ${id} could use`,
        hint: 'Assign one to it, check its id in the entry, or give other credentials.',
      };
    case 'azure-cli':
      return {
        code: 'AZURE_NO_CREDENTIALS',
        message: `The Azure CLI returns no token for ${id}`,
        hint: 'Run "az login".',
      };
    default:
      return {
        code: 'AZURE_NO_CREDENTIALS',
        message: `There are no credentials for ${id}: none in the environment, no managed identity and no login`,
        hint: 'Give account_key, sas_token, or tenant_id with client_id and client_secret; or run "az login".',
      };
  }
}
