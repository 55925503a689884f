import type { AzureEntry } from '../../auth/entries.js';
import { type Explanation, field } from '../remote/explanation.js';
import { isTransientStatus } from '../remote/remote-error.js';

/** Names of the errors of Azure's identity client. */
const NAMES = [
  'CredentialUnavailableError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
];

/** What a failure to get a token means; undefined where it was something else. */
export function explainCredentialsError(thrown: unknown, entry: AzureEntry): Explanation | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if (!NAMES.includes(thrown.name)) return undefined;
  const status = field(thrown, 'statusCode');
  if (typeof status === 'number' && isTransientStatus(status)) {
    return {
      code: 'AZURE_TOKEN_SERVICE_ERROR',
      exit: 'unreachable',
      message: `Microsoft's token service failed (HTTP ${status})`,
      hint: 'Such trouble passes.',
      transient: true,
    };
  }
  return { exit: 'unreachable', ...explanation(entry) };
}

function explanation(entry: AzureEntry) {
  const id = `storage entry "${entry.id}"`;
  switch (entry.info.credentials.kind) {
    case 'service-principal':
      return {
        code: 'AZURE_CREDENTIALS_REFUSED',
        message: `Microsoft gives no token to the service principal of ${id}: its secret is wrong or has expired, or tenant or client do not exist`,
        hint: 'Check tenant_id, client_id and client_secret; secrets expire.',
      };
    case 'workload-identity':
      return {
        code: 'AZURE_CREDENTIALS_REFUSED',
        message: `Microsoft gives no token for the federated identity of ${id}`,
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
        message: `The Azure command line gives no token to ${id}`,
        hint: 'Run "az login".',
      };
    default:
      return {
        code: 'AZURE_NO_CREDENTIALS',
        message: `There are no credentials for ${id}: neither in the environment nor of this machine, nor of a login`,
        hint: 'Give account_key, sas_token, or tenant_id with client_id and client_secret; or run "az login".',
      };
  }
}
