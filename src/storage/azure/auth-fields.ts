import {
  entryFields,
  given,
  quoted,
  type FieldValues,
  type GivenFields,
  type Report,
} from '../../auth/entry-fields.js';
import type { Field } from '../../auth/entry-kind.js';
import { basePath, flag, httpUrl, path, text } from '../../auth/fields.js';
import { resolveDirectory } from '../directory-url.js';
import { checkPlainHttp, networkFields, networkSettings, PROXY_VARIABLES } from '../network-fields.js';
import { azureAddress } from './directory-url.js';
import type { AzureCredentials, AzureInfo } from './info.js';

const ACCOUNT_VARIABLES = ['AZURE_STORAGE_ACCOUNT_NAME', 'AZURE_STORAGE_ACCOUNT'] as const;

const fields = {
  ...networkFields,
  account_name: {
    schema: text.refine((name) => /^[\w-]+$/.test(name), 'is not a storage account name').optional(),
    synonyms: ['storage_account', 'storage_account_name', 'account'],
    environment: ACCOUNT_VARIABLES,
  },
  container: {
    schema: text.refine((name) => /^[\w$ .-]+$/.test(name), 'is not a container name'),
    synonyms: ['container_name'],
  },
  base_path: { schema: basePath.default('') },
  account_key: {
    schema: text.refine((key) => /^[A-Za-z0-9+/]+={0,2}$/.test(key), 'is not base64, as account keys are').optional(),
    synonyms: ['storage_key', 'storage_account_key', 'storage_access_key'],
    secret: true,
    environment: ['AZURE_STORAGE_ACCOUNT_KEY', 'AZURE_STORAGE_KEY'],
  },
  sas_token: {
    schema: text.optional(),
    synonyms: ['sas_key', 'storage_sas_key', 'storage_sas_token'],
    secret: true,
    environment: ['AZURE_STORAGE_SAS_KEY', 'AZURE_STORAGE_SAS_TOKEN'],
  },
  connection_string: { schema: text.optional(), synonyms: ['storage_connection_string'], secret: true },
  tenant_id: { schema: text.optional() },
  client_id: { schema: text.optional() },
  client_secret: { schema: text.optional(), secret: true },
  federated_token_file: { schema: path.optional() },
  object_id: { schema: text.optional(), environment: ['AZURE_OBJECT_ID'] },
  msi_resource_id: { schema: text.optional(), environment: ['AZURE_MSI_RESOURCE_ID'] },
  msi_endpoint: { schema: httpUrl.optional(), environment: ['AZURE_MSI_ENDPOINT'] },
  token: {
    schema: text.optional(),
    synonyms: ['storage_token', 'bearer_token'],
    secret: true,
    environment: ['AZURE_STORAGE_TOKEN'],
  },
  use_azure_cli: { schema: flag.optional(), environment: ['AZURE_USE_AZURE_CLI'] },
  endpoint_url: { schema: httpUrl.optional(), synonyms: ['endpoint'], environment: ['AZURE_ENDPOINT'] },
  use_emulator: {
    schema: flag.default(false),
    synonyms: ['storage_use_emulator'],
    environment: ['AZURE_STORAGE_USE_EMULATOR'],
  },
  use_fabric_endpoint: { schema: flag.default(false), environment: ['AZURE_USE_FABRIC_ENDPOINT'] },
  // Nothing is tagged on Azure, so there is nothing to disable; accepted because other tools' configurations have it.
  disable_tagging: { schema: flag.optional() },
};

type Fields = FieldValues<typeof fields>;

export const azureFields = entryFields({
  fields,
  prefixes: ['azure_'],
  standIns: ['directory'],
  prepare: resolveDirectory({ standsFor: ['container', 'account_name'], resolve: azureAddress }),
  environment: [
    { fields: ['endpoint_url'], unless: ['connection_string'] },
    {
      fields: ['account_key', 'sas_token', 'token', 'object_id', 'msi_resource_id', 'msi_endpoint', 'use_azure_cli'],
      unless: ['connection_string', 'tenant_id', 'client_id', 'client_secret', 'federated_token_file', 'use_emulator'],
      exclusive: true,
      belongs: isSameAccount,
    },
    { fields: ['account_name'], unless: ['connection_string', 'use_emulator', 'use_fabric_endpoint'] },
    PROXY_VARIABLES,
  ],
  check,
  build,
});

/** Credentials in the environment belong to the account that it names, if it names one. */
function isSameAccount(found: ReadonlyMap<string, Field>, environment: NodeJS.ProcessEnv): boolean {
  const account = ACCOUNT_VARIABLES.map((name) => environment[name]).find((name) => name !== undefined);
  const named = found.get('account_name')?.value;
  return named === undefined || account === undefined || named === account;
}

/** Fields that each select a login method. */
const DECISIVE = [
  'account_key',
  'sas_token',
  'connection_string',
  'client_secret',
  'federated_token_file',
  'token',
  'object_id',
  'msi_resource_id',
];

function check(found: GivenFields, report: Report): void {
  const ways = given(found, DECISIVE);
  if (found['use_azure_cli'] === true) ways.push('use_azure_cli');
  const [first] = ways;
  if (first !== undefined && ways.length > 1) {
    report(first, `cannot be combined with ${quoted(ways.slice(1))}; keep one of them`);
  }
  checkServicePrincipal(found, report);
  const nameless =
    found['connection_string'] !== undefined || found['use_emulator'] === true || found['use_fabric_endpoint'] === true;
  if (found['account_name'] === undefined && !nameless) report('account_name', 'is missing');
  checkPlainHttp(found, report);
}

function checkServicePrincipal(found: GivenFields, report: Report): void {
  const names = ['tenant_id', 'client_id', 'client_secret'];
  const present = given(found, names);
  const { client_secret: secret, tenant_id: tenant, client_id: client } = found;
  // A tenant alone does nothing; with a token file it belongs to workload identity.
  const incomplete = secret !== undefined || (tenant !== undefined && client === undefined);
  if (!incomplete || found['federated_token_file'] !== undefined) return;
  for (const name of names) {
    if (found[name] === undefined) report(name, `is required with ${quoted(present)}`);
  }
}

function build(found: Fields): AzureInfo {
  return {
    ...networkSettings(found),
    accountName: found.account_name,
    container: found.container,
    basePath: found.base_path,
    credentials: credentials(found),
    endpointUrl: found.endpoint_url,
    useEmulator: found.use_emulator,
    useFabricEndpoint: found.use_fabric_endpoint,
  };
}

function credentials(found: Fields): AzureCredentials {
  const { tenant_id: tenantId, client_id: clientId } = found;
  const { object_id: objectId, msi_resource_id: resourceId, msi_endpoint: endpoint } = found;
  if (found.account_key !== undefined) return { kind: 'account-key', accountKey: found.account_key };
  if (found.sas_token !== undefined) return { kind: 'sas', sasToken: found.sas_token.replace(/^\?/, '') };
  if (found.connection_string !== undefined) {
    return { kind: 'connection-string', connectionString: found.connection_string };
  }
  if (found.client_secret !== undefined && tenantId !== undefined && clientId !== undefined) {
    return { kind: 'service-principal', tenantId, clientId, clientSecret: found.client_secret };
  }
  if (found.federated_token_file !== undefined) {
    return { kind: 'workload-identity', tenantId, clientId, tokenFile: found.federated_token_file };
  }
  if (found.token !== undefined) return { kind: 'token', token: found.token };
  if (found.use_azure_cli === true) return { kind: 'azure-cli' };
  if ([clientId, objectId, resourceId, endpoint].some((value) => value !== undefined)) {
    return { kind: 'managed-identity', clientId, objectId, resourceId, endpoint };
  }
  return { kind: 'default' };
}
