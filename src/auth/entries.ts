/**
 * The auth file's entries as the rest of the program sees them: validated, defaults filled in, synonyms and `directory`
 * URLs resolved, references to variables and files replaced. Plain data, so that an entry can go to a worker. Secrets
 * stand in here in the clear: an entry never goes into a log, a result or an error.
 */

export type AuthEntry = DatabaseEntry | StorageEntry;

export type DatabaseEntry = PostgresEntry | MssqlEntry | SqliteEntry;

export type StorageEntry = S3Entry | GcsEntry | AzureEntry | LocalEntry;

export type DatabaseEngine = DatabaseEntry['engine'];

export type StorageType = StorageEntry['storageType'];

export interface PostgresEntry {
  readonly kind: 'database';
  readonly id: string;
  readonly engine: 'postgres';
  readonly info: PostgresInfo;
}

export interface MssqlEntry {
  readonly kind: 'database';
  readonly id: string;
  readonly engine: 'mssql';
  readonly info: MssqlInfo;
}

/** For the run log only. */
export interface SqliteEntry {
  readonly kind: 'database';
  readonly id: string;
  readonly engine: 'sqlite';
  readonly info: SqliteInfo;
}

/** Either the single fields or a connection string; `connectionString === undefined` tells them apart. */
export type PostgresInfo = PostgresFields | PostgresConnectionString;

interface PostgresSession {
  /** Server settings of every session, e.g. `search_path`. */
  readonly options: Readonly<Record<string, string>>;
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
  /** Encoding of the text in a database that has none (`SQL_ASCII`). */
  readonly sourceEncoding?: string | undefined;
}

export interface PostgresFields extends PostgresSession {
  readonly connectionString: undefined;
  /** Host name, address, or directory of a Unix socket. */
  readonly server: string;
  readonly port: number;
  readonly database: string | undefined;
  readonly username: string;
  readonly password: string | undefined;
  readonly ssl: SslMode;
  /** Paths of PEM files. */
  readonly sslCa: string | undefined;
  readonly sslCert: string | undefined;
  readonly sslKey: string | undefined;
}

export interface PostgresConnectionString extends PostgresSession {
  /** `postgres://…` or libpq's `key=value` form, not parsed here. */
  readonly connectionString: string;
}

/** libpq's `sslmode`, without `allow`. */
export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** Either the single fields or a connection string; `connectionString === undefined` tells them apart. */
export type MssqlInfo = MssqlFields | MssqlConnectionString;

interface MssqlSession {
  readonly connectTimeoutMs: number;
  /** Undefined for none. */
  readonly statementTimeoutMs: number | undefined;
}

export interface MssqlFields extends MssqlSession {
  readonly connectionString: undefined;
  /** Without the instance. */
  readonly server: string;
  /** Named instance of `host\instance`. */
  readonly instance: string | undefined;
  /** Undefined where the instance's name decides it (by the SQL Server Browser). */
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For NTLM. */
  readonly domain: string | undefined;
  readonly encrypt: boolean | 'strict';
  readonly trustServerCertificate: boolean;
}

export interface MssqlConnectionString extends MssqlSession {
  /** ADO.NET form (`Server=…;Database=…`), not parsed here. */
  readonly connectionString: string;
}

export interface SqliteInfo {
  readonly filepath: string;
}

export interface S3Entry {
  readonly kind: 'storage';
  readonly id: string;
  readonly storageType: 's3';
  readonly info: S3Info;
}

export interface GcsEntry {
  readonly kind: 'storage';
  readonly id: string;
  readonly storageType: 'gcs';
  readonly info: GcsInfo;
}

export interface AzureEntry {
  readonly kind: 'storage';
  readonly id: string;
  readonly storageType: 'azure';
  readonly info: AzureInfo;
}

/** A directory with a name, so that a configuration can change from disk to cloud by its id. */
export interface LocalEntry {
  readonly kind: 'storage';
  readonly id: string;
  readonly storageType: 'local';
  readonly info: LocalInfo;
}

/** What every store takes. A local directory has no use for it. */
export interface NetworkSettings {
  /** Longest time in which no byte moves in either direction. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Attempts after the first. */
  readonly maxRetries: number;
  readonly proxyUrl: string | undefined;
  /** Hosts, domains and address ranges that are reached without the proxy. */
  readonly proxyExcludes: readonly string[];
  /** PEM text of the authority that signed the proxy's certificate. */
  readonly proxyCaCertificate: string | undefined;
  /** Path of a PEM file with further authorities. */
  readonly caCertificate: string | undefined;
  readonly allowHttp: boolean;
  readonly allowInvalidCertificates: boolean;
  /** Smallest size of an upload's parts. */
  readonly partSizeBytes: number;
  /** Parts of one file on their way at the same time. */
  readonly uploadConcurrency: number;
  readonly userAgent: string | undefined;
}

export interface S3Info extends NetworkSettings {
  readonly bucket: string;
  /** Segments separated by `/`, none in front or behind; empty for none. */
  readonly basePath: string;
  /** Undefined where profile, environment or the bucket itself tells it. */
  readonly region: string | undefined;
  readonly credentials: S3Credentials;
  readonly endpointUrl: string | undefined;
  readonly forcePathStyle: boolean;
  readonly serverSideEncryption: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | undefined;
  readonly sseKmsKeyId: string | undefined;
  readonly sseBucketKeyEnabled: boolean | undefined;
  readonly s3Express: boolean;
  readonly storageClass: string | undefined;
  readonly acl: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** When checksum headers are sent: `when_required` by default with an endpoint, `when_supported` without. */
  readonly requestChecksum: 'when_required' | 'when_supported';
}

export type S3Credentials =
  | { readonly kind: 'profile'; readonly profile: string }
  | {
      readonly kind: 'keys';
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken: string | undefined;
    }
  /** Environment, web identity, container, instance metadata. */
  | { readonly kind: 'default' };

export interface GcsInfo extends NetworkSettings {
  readonly bucket: string;
  /** Segments separated by `/`, none in front or behind; empty for none. */
  readonly basePath: string;
  readonly projectId: string | undefined;
  readonly credentials: GcsCredentials;
  readonly endpointUrl: string | undefined;
}

export type GcsCredentials =
  /** A key file; what is in it is checked where it is used. */
  | { readonly kind: 'file'; readonly path: string }
  /** The key file's JSON, given in the entry itself. */
  | { readonly kind: 'key'; readonly key: ServiceAccountKey }
  /** Application default credentials. */
  | { readonly kind: 'default' };

/** The fields of a Google service account's key that must be there; others stay in it. */
export interface ServiceAccountKey {
  readonly type: 'service_account';
  readonly client_email: string;
  readonly private_key: string;
  readonly [field: string]: unknown;
}

export interface AzureInfo extends NetworkSettings {
  /** Undefined where a connection string or the emulator tells it. */
  readonly accountName: string | undefined;
  readonly container: string;
  /** Segments separated by `/`, none in front or behind; empty for none. */
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
      /** Where the identity service answers, if not at its usual address. */
      readonly endpoint: string | undefined;
    }
  /** A bearer token. */
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'azure-cli' }
  /** Environment, workload identity, managed identity, command line login. */
  | { readonly kind: 'default' };

export interface LocalInfo extends NetworkSettings {
  readonly directory: string;
}
