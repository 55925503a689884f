import type { z } from 'zod';

import type { AzureCredentials, AzureInfo } from '../entries.js';
import { basePath, flag, httpUrl, path, text } from './fields.js';
import { given, infoSchema, quoted, type GivenFields, type Report } from './info.js';
import { checkPlainHttp, networkFields, networkSettings } from './network.js';

const fields = {
  ...networkFields,
  account_name: text.refine((name) => /^[\w-]+$/.test(name), 'is no name of a storage account').optional(),
  container: text.refine((name) => /^[\w$ .-]+$/.test(name), 'is no name of a container'),
  base_path: basePath.default(''),
  account_key: text
    .refine((key) => /^[A-Za-z0-9+/]+={0,2}$/.test(key), 'is not base64, as account keys are')
    .optional(),
  sas_token: text.optional(),
  connection_string: text.optional(),
  tenant_id: text.optional(),
  client_id: text.optional(),
  client_secret: text.optional(),
  federated_token_file: path.optional(),
  object_id: text.optional(),
  msi_resource_id: text.optional(),
  msi_endpoint: httpUrl.optional(),
  token: text.optional(),
  use_azure_cli: flag.optional(),
  endpoint_url: httpUrl.optional(),
  use_emulator: flag.default(false),
  use_fabric_endpoint: flag.default(false),
  // Nothing is tagged on Azure, so there is nothing to disable; taken because configurations of other tools have it.
  disable_tagging: flag.optional(),
};

type Fields = z.output<z.ZodObject<typeof fields>>;

export const azureInfo = infoSchema(fields, { check, build });

export const azureFieldNames = Object.keys(fields);

/** Fields that each decide by themselves how to log in. */
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
    report(first, `stands beside ${quoted(ways.slice(1))}: it is not clear which is meant, so keep one of them`);
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
    if (found[name] === undefined) report(name, `is missing beside ${quoted(present)}`);
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
