import { readLocalPath, schemeOf } from '../../runtime/local-path.js';
import type { FlagValue, ValueType } from './flag.js';
import { usageError } from './usage-error.js';
import { notEmpty, textOnRecord } from './value-types.js';

/** Storage types, by the schemes of their URLs. */
const STORES: Readonly<Record<string, string>> = {
  ...{ s3: 's3', s3a: 's3', s3n: 's3', gs: 'gcs', gcs: 'gcs' },
  ...{ az: 'azure', azure: 'azure', abfs: 'azure', abfss: 'azure', adl: 'azure', adls: 'azure' },
  ...{ wasb: 'azure', wasbs: 'azure', onelake: 'azure' },
};

/** Hosts of stores whose URLs say https. */
const HOSTS: readonly (readonly [RegExp, string])[] = [
  [/\.(?:blob|dfs)\.(?:core\.|storage\.|fabric\.)/i, 'azure'],
  [/(?:^|\.)storage\.(?:googleapis|cloud\.google)\.com$/i, 'gcs'],
  [/(?:^|\.)s3[.-]/i, 's3'],
];

export const LOCAL_PATH: ValueType<string> = { parse: localPath, restore: textOnRecord, completes: 'files' };

export const OUTPUT_DIRECTORY: ValueType<string> = {
  parse: outputDirectory,
  restore: textOnRecord,
  completes: 'directories',
};

/**
 * A path of this machine: `~/` and `file://` are understood.
 * @throws LakeportError of class `usage` for what is empty, or a URL of something else
 */
export function localPath(given: FlagValue): string {
  const text = notEmpty(given);
  const read = readLocalPath(text.trim());
  if ('path' in read) return read.path === text.trim() ? text : read.path;
  throw usageError({
    code: 'NOT_A_LOCAL_PATH',
    message: `${given.flag} ${JSON.stringify(shown(text))} ${read.problem}`,
    flag: given.flag,
  });
}

/**
 * The directory of an export. A store's URL is answered by the entry that it needs.
 * @throws LakeportError of class `usage`
 */
export function outputDirectory(given: FlagValue): string {
  const text = given.value.trim();
  const scheme = schemeOf(text);
  if (scheme === undefined || scheme === 'file') return localPath(given);
  const type = storageType(text, scheme);
  if (type === undefined) return localPath(given);
  const url = shown(text).replace(/^([^:]+):\/*/, '$1://');
  // Addresses of buckets by https are not URLs of the entry's `directory`, but Azure's are.
  const info =
    /^https?$/.test(scheme) && type !== 'azure' ? '"bucket": "…", "base_path": "…"' : `"directory": "${url}"`;
  throw usageError({
    code: 'NOT_A_LOCAL_PATH',
    message: `${given.flag} takes a directory of this machine, and ${url} is in object storage`,
    hint: `Add the entry "lake": { "storage_type": "${type}", "info": { ${info} } } to the auth file, and give --target-storage-id lake.`,
    flag: given.flag,
  });
}

function storageType(text: string, scheme: string): string | undefined {
  if (Object.hasOwn(STORES, scheme)) return STORES[scheme];
  if (!/^https?$/.test(scheme) || !URL.canParse(text)) return undefined;
  const { hostname } = new URL(text);
  return HOSTS.find(([pattern]) => pattern.test(hostname))?.[1];
}

/** Without what may be a secret: user and password, and the query with its signature. */
function shown(text: string): string {
  const withoutQuery = schemeOf(text) === undefined ? text : text.replace(/\?.*$/s, '');
  return withoutQuery.replace(/^([^:/?#]+:\/\/)[^/@]*:[^/@]*@/, '$1');
}
