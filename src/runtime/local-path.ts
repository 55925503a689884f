import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A local path, or the problem with the text. */
export type LocalPath = { readonly path: string } | { readonly problem: string };

/** Schemes of stores that users sometimes write with one slash or none. */
const KNOWN_SCHEME = /^(?:s3[an]?|gs|gcs|az|azure|abfss?|adls?|wasbs?|onelake|dbfs|hdfs|https?|ftps?|sftp):/i;

/** The scheme of a URL, in lower case; undefined for paths, including those with a drive letter. */
export function schemeOf(text: string): string | undefined {
  const [, scheme] =
    /^([a-z][a-z0-9+.-]+):(?=\/\/)/i.exec(text) ?? KNOWN_SCHEME.exec(text)?.[0].match(/^([^:]+)/) ?? [];
  if (scheme !== undefined) return scheme.toLowerCase();
  return /^file:/i.test(text) ? 'file' : undefined;
}

/**
 * Expands a path that no shell has expanded: `~` and `~/exports` refer to the home directory, `file:///…` to its path.
 * Write a path that starts with a literal `~` as `./~`.
 */
export function readLocalPath(text: string): LocalPath {
  const scheme = schemeOf(text);
  if (scheme === 'file') return fromUrl(text);
  if (scheme !== undefined) return { problem: 'must be a path or a file:// URL' };
  const [, user, rest = ''] = /^~([^/\\]*)(?:[/\\](.*))?$/s.exec(text) ?? [];
  if (user === undefined) return { path: text };
  if (user !== '')
    return { problem: `would mean the home directory of ${user} in a shell: write out the path, or start it with ./` };
  return { path: path.join(homedir(), rest) };
}

/** `file:///path` or `file://localhost/path` (RFC 8089). */
function fromUrl(text: string): LocalPath {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^file:\//i.test(text))
    return { problem: 'is not a file:// URL of a path on this machine' };
  if (url.search !== '' || url.hash !== '') return { problem: 'is a URL with ? or #: write them %3F and %23' };
  try {
    return { path: fileURLToPath(url) };
  } catch {
    return { problem: 'is not a file:// URL of a path on this machine' };
  }
}
