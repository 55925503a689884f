import { readLocalPath, schemeOf } from '../../runtime/local-path.js';
import { storeOfUrl } from '../../stores.js';
import type { FlagValue, ValueType } from './flag.js';
import { usageError } from './usage-error.js';
import { textOnRecord } from '../../export/model/plain-value.js';
import { notEmpty } from './value-types.js';

export const LOCAL_PATH: ValueType<string> = { parse: localPath, restore: textOnRecord, completes: 'files' };

export const OUTPUT_DIRECTORY: ValueType<string> = {
  parse: outputDirectory,
  restore: textOnRecord,
  completes: 'directories',
};

/**
 * A local path; `~/` and `file://` are understood.
 * @throws LakeportError of class `usage` for an empty path, or any other URL
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
 * The directory of an export. The error for a store's URL shows the entry that it needs.
 * @throws LakeportError of class `usage`
 */
export function outputDirectory(given: FlagValue): string {
  const text = given.value.trim();
  const scheme = schemeOf(text);
  if (scheme === undefined || scheme === 'file') return localPath(given);
  const store = storeOfUrl(text);
  if (store === undefined) return localPath(given);
  const url = shown(text).replace(/^([^:]+):\/*/, '$1://');
  const isDirectory = !/^https?$/.test(scheme) || store.takesHttps === true;
  const info = isDirectory ? `"directory": "${url}"` : '"bucket": "…", "base_path": "…"';
  throw usageError({
    code: 'NOT_A_LOCAL_PATH',
    message: `${given.flag} takes a directory of this machine, and ${url} is in object storage`,
    hint: `Add the entry "lake": { "storage_type": "${store.name}", "info": { ${info} } } to the auth file, and give --target-storage-id lake.`,
    flag: given.flag,
  });
}

/** Without possible secrets: user and password, and the query with its signature. */
function shown(text: string): string {
  const withoutQuery = schemeOf(text) === undefined ? text : text.replace(/\?.*$/s, '');
  return withoutQuery.replace(/^([^:/?#]+:\/\/)[^/@]*:[^/@]*@/, '$1');
}
