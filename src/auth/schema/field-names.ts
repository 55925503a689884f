import { azureFieldNames } from './azure.js';
import { mssqlFieldNames, postgresFieldNames, sqliteFieldNames } from './database.js';
import { gcsFieldNames } from './gcs.js';
import { localFieldNames } from './local.js';
import { s3FieldNames } from './s3.js';

/** Kinds of entries, each with its own fields. */
export type EntryType = 'postgres' | 'mssql' | 'sqlite' | 's3' | 'gcs' | 'azure' | 'local';

const ENDPOINT = { endpoint_url: ['endpoint'] };
const BUCKET = { bucket: ['bucket_name'] };

/** Other names of fields, as other tools' configurations have them. */
const SYNONYMS: Readonly<Record<EntryType, Readonly<Record<string, readonly string[]>>>> = {
  postgres: {
    server: ['host', 'hostname'],
    username: ['user'],
    database: ['dbname'],
    ssl: ['sslmode', 'ssl_mode'],
    ssl_ca: ['sslrootcert', 'ssl_root_cert'],
    ssl_cert: ['sslcert'],
    ssl_key: ['sslkey'],
  },
  mssql: { server: ['host', 'hostname'], username: ['user'] },
  sqlite: {},
  s3: { ...ENDPOINT, ...BUCKET, profile: ['profile_name'], region: ['default_region'] },
  gcs: {
    ...ENDPOINT,
    ...BUCKET,
    credentials_file: ['service_account', 'service_account_path', 'application_credentials', 'profile'],
    project_id: ['project'],
  },
  azure: {
    ...ENDPOINT,
    account_name: ['storage_account', 'storage_account_name', 'account'],
    account_key: ['storage_key', 'storage_account_key', 'storage_access_key'],
    container: ['container_name'],
    sas_token: ['sas_key', 'storage_sas_key', 'storage_sas_token'],
    connection_string: ['storage_connection_string'],
    token: ['storage_token', 'bearer_token'],
    use_emulator: ['storage_use_emulator'],
  },
  local: { directory: ['base_path'] },
};

/** Prefixes that may stand in front of any field of the kind. */
const PREFIXES: Readonly<Partial<Record<EntryType, readonly string[]>>> = {
  s3: ['aws_'],
  gcs: ['google_', 'gcs_'],
  azure: ['azure_'],
};

const OWN_NAMES: Readonly<Record<EntryType, readonly string[]>> = {
  postgres: postgresFieldNames,
  mssql: mssqlFieldNames,
  sqlite: sqliteFieldNames,
  // `directory` is resolved into other fields before the schema sees them.
  s3: [...s3FieldNames, 'directory'],
  gcs: [...gcsFieldNames, 'directory'],
  azure: [...azureFieldNames, 'directory'],
  local: localFieldNames,
};

/** `awsAccessKeyId` and `AWS_ACCESS_KEY_ID` as `aws_access_key_id`. */
export function plainKey(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** The field's own name for any of its spellings, or undefined for an unknown field. */
export function fieldName(type: EntryType, key: string): string | undefined {
  const plain = plainKey(key);
  for (const name of [plain, ...withoutPrefix(type, plain)]) {
    if (OWN_NAMES[type].includes(name)) return name;
    for (const [own, synonyms] of Object.entries(SYNONYMS[type])) if (synonyms.includes(name)) return own;
  }
  return undefined;
}

function withoutPrefix(type: EntryType, key: string): string[] {
  return (PREFIXES[type] ?? []).filter((prefix) => key.startsWith(prefix)).map((prefix) => key.slice(prefix.length));
}

/** Every spelling without prefixes, for suggestions. */
export function knownFieldNames(type: EntryType): string[] {
  return [...OWN_NAMES[type], ...Object.values(SYNONYMS[type]).flat()];
}

/** Fields whose values must never be shown. */
const SECRET_FIELDS = new Set([
  'password',
  'connection_string',
  'access_key_id',
  'secret_access_key',
  'session_token',
  'account_key',
  'sas_token',
  'client_secret',
  'token',
  'service_account_key',
]);

export function isSecretField(name: string): boolean {
  return SECRET_FIELDS.has(name);
}
