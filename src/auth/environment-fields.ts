import { type EntryReader, type Field, registerSecrets } from './field-set.js';
import type { EntryType } from './schema/field-names.js';

/**
 * Fields of a storage that the environment has, where an entry leaves them out, by the names that other tools have made
 * usual: LanceDB's storage options, the command lines of AWS and Azure. What the clients of the stores look for
 * themselves (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_CLIENT_ID` …) is not here.
 */
interface Group {
  /** With one of these in the entry, the environment is not asked for any of the group. */
  readonly unless: readonly string[];
  /** Field and variable; of a group that is `exclusive`, the first that is set is taken alone. */
  readonly variables: readonly (readonly [field: string, variable: string])[];
  readonly exclusive?: boolean;
  /** False where what the environment has is meant for something else than the entry. */
  readonly belongs?: (given: GivenFields, environment: NodeJS.ProcessEnv) => boolean;
}

type GivenFields = ReadonlyMap<string, Field>;

const NETWORK: readonly Group[] = [
  'timeout',
  'connect_timeout',
  'allow_http',
  'allow_invalid_certificates',
  'user_agent',
].map((field) => single(field, field.toUpperCase()));

const PROXY: Group = {
  unless: ['proxy_url', 'proxy_excludes', 'proxy_ca_certificate'],
  variables: [
    ['proxy_url', 'PROXY_URL'],
    ['proxy_excludes', 'PROXY_EXCLUDES'],
    ['proxy_ca_certificate', 'PROXY_CA_CERTIFICATE'],
  ],
};

const S3: readonly Group[] = [
  single('endpoint_url', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT'),
  {
    unless: ['force_path_style', 'virtual_hosted_style_request'],
    variables: [['virtual_hosted_style_request', 'AWS_VIRTUAL_HOSTED_STYLE_REQUEST']],
  },
  {
    unless: ['server_side_encryption', 'sse_kms_key_id', 'sse_bucket_key_enabled'],
    variables: [
      ['server_side_encryption', 'AWS_SERVER_SIDE_ENCRYPTION'],
      ['sse_kms_key_id', 'AWS_SSE_KMS_KEY_ID'],
      ['sse_bucket_key_enabled', 'AWS_SSE_BUCKET_KEY_ENABLED'],
    ],
  },
];

const GCS: readonly Group[] = [
  {
    // The key of a Google account is nothing for an endpoint that the entry names.
    unless: ['credentials_file', 'service_account_key', 'endpoint_url'],
    variables: [
      ['credentials_file', 'GOOGLE_SERVICE_ACCOUNT'],
      ['service_account_key', 'GOOGLE_SERVICE_ACCOUNT_KEY'],
    ],
    exclusive: true,
  },
];

const AZURE: readonly Group[] = [
  single('use_emulator', 'AZURE_STORAGE_USE_EMULATOR'),
  single('use_fabric_endpoint', 'AZURE_USE_FABRIC_ENDPOINT'),
  {
    unless: ['endpoint_url', 'connection_string'],
    variables: [['endpoint_url', 'AZURE_ENDPOINT']],
  },
  {
    unless: [
      'account_key',
      'sas_token',
      'connection_string',
      'tenant_id',
      'client_id',
      'client_secret',
      'federated_token_file',
      'token',
      'object_id',
      'msi_resource_id',
      'msi_endpoint',
      'use_azure_cli',
      'use_emulator',
    ],
    variables: [
      ['account_key', 'AZURE_STORAGE_ACCOUNT_KEY'],
      ['account_key', 'AZURE_STORAGE_KEY'],
      ['sas_token', 'AZURE_STORAGE_SAS_KEY'],
      ['sas_token', 'AZURE_STORAGE_SAS_TOKEN'],
      ['token', 'AZURE_STORAGE_TOKEN'],
      ['object_id', 'AZURE_OBJECT_ID'],
      ['msi_resource_id', 'AZURE_MSI_RESOURCE_ID'],
      ['msi_endpoint', 'AZURE_MSI_ENDPOINT'],
      ['use_azure_cli', 'AZURE_USE_AZURE_CLI'],
    ],
    exclusive: true,
    belongs: isSameAccount,
  },
  {
    unless: ['account_name', 'connection_string', 'use_emulator', 'use_fabric_endpoint'],
    variables: [
      ['account_name', 'AZURE_STORAGE_ACCOUNT_NAME'],
      ['account_name', 'AZURE_STORAGE_ACCOUNT'],
    ],
    exclusive: true,
  },
];

const GROUPS: Readonly<Partial<Record<EntryType, readonly Group[]>>> = {
  s3: [...S3, ...NETWORK, PROXY],
  gcs: [...GCS, ...NETWORK, PROXY],
  azure: [...AZURE, ...NETWORK, PROXY],
};

/** Adds what the environment says to the fields of an entry. Messages about it name the variable. */
export function addEnvironmentFields(options: {
  readonly type: EntryType;
  readonly fields: Map<string, Field>;
  /** Of the entry. */
  readonly line: number;
  readonly reader: EntryReader;
}): void {
  const { type, fields, line, reader } = options;
  const given = new Map(fields);
  for (const { unless, variables, exclusive = false, belongs = () => true } of GROUPS[type] ?? []) {
    if (unless.some((name) => given.has(name)) || !belongs(given, reader.environment)) continue;
    for (const [name, variable] of variables) {
      const value = reader.environment[variable];
      if (value === undefined || value === '') continue;
      fields.set(name, { given: variable, line, value, resolved: true });
      registerSecrets(name, value, reader.redactor);
      if (exclusive) break;
    }
  }
}

/** Credentials in the environment are those of the account that it names, if it names one. */
function isSameAccount(given: GivenFields, environment: NodeJS.ProcessEnv): boolean {
  const account = environment['AZURE_STORAGE_ACCOUNT_NAME'] ?? environment['AZURE_STORAGE_ACCOUNT'];
  const named = given.get('account_name')?.value;
  return named === undefined || account === undefined || named === account;
}

function single(field: string, ...variables: readonly string[]): Group {
  return { unless: [field], variables: variables.map((variable) => [field, variable] as const), exclusive: true };
}
