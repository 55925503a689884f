import type { EntryType } from './field-names.js';

/** What an entry says to be: one of our kinds, or one that a later version reads. */
export type DeclaredType =
  | {
      readonly type: EntryType;
      /** Fields that the name of the kind stands for. */
      readonly implied?: Readonly<Record<string, boolean>>;
    }
  | { readonly unavailable: string };

const NAMES: Readonly<Record<string, EntryType>> = {
  postgres: 'postgres',
  mssql: 'mssql',
  sqlite: 'sqlite',
  s3: 's3',
  gcs: 'gcs',
  azure: 'azure',
  azure_blob: 'azure',
  azure_adls: 'azure',
  onelake: 'azure',
  local: 'local',
  filesystem: 'local',
};

/** Kinds of databases that configurations may hold already. Their entries are left alone until they are asked for. */
const UNAVAILABLE = ['mysql', 'mariadb', 'oracle', 'duckdb'];

const STORAGE_TYPES = Object.keys(NAMES).filter((name) => isStorageType(NAMES[name]));
const DATABASE_TYPES = Object.keys(NAMES).filter((name) => !isStorageType(NAMES[name]));

/** Values of `storage_type`, or of `ds_type`, for messages. */
export function knownTypes(field: 'storage_type' | 'ds_type'): readonly string[] {
  return field === 'storage_type' ? STORAGE_TYPES : [...DATABASE_TYPES, ...STORAGE_TYPES];
}

/** The kind that a `storage_type` or `ds_type` names, or undefined. Any name that ends in `_s3` is S3. */
export function declaredType(field: 'storage_type' | 'ds_type', name: string): DeclaredType | undefined {
  const plain = name.trim().toLowerCase();
  if (plain.endsWith('_s3')) return { type: 's3' };
  if (field === 'ds_type' && UNAVAILABLE.includes(plain)) return { unavailable: plain };
  const type = Object.hasOwn(NAMES, plain) ? NAMES[plain] : undefined;
  if (type === undefined || (field === 'storage_type' && !isStorageType(type))) return undefined;
  return plain === 'onelake' ? { type, implied: { use_fabric_endpoint: true } } : { type };
}

export function isStorageType(type: EntryType | undefined): boolean {
  return type === 's3' || type === 'gcs' || type === 'azure' || type === 'local';
}
