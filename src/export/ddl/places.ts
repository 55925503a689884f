import type { Place } from '../../storage/storage.js';
import { joinPath } from '../../storage/path.js';

/** URLs of places, as systems write them. */

/** @param scheme `s3`, or `s3a` for Hadoop */
export function s3Url(place: Place, scheme = 's3'): string | undefined {
  return place.kind === 's3' ? `${scheme}://${joinPath(place.bucket, place.key)}` : undefined;
}

export function gcsUrl(place: Place, scheme = 'gs'): string | undefined {
  return place.kind === 'gcs' ? `${scheme}://${joinPath(place.bucket, place.key)}` : undefined;
}

/** `abfss://container@account.dfs.core.windows.net/path`; undefined for an emulator, which has none. */
export function abfssUrl(place: Place): string | undefined {
  if (place.kind !== 'azure') return undefined;
  const { hostname, pathname } = new URL(place.service);
  if (pathname !== '/' || !hostname.includes('.blob.')) return undefined;
  return `abfss://${place.container}@${hostname.replace('.blob.', '.dfs.')}/${place.key}`;
}

export function fileUrl(place: Place): string | undefined {
  return place.kind === 'local' ? `file://${place.path}` : undefined;
}

/** Over HTTP, with the escapes of a URL. */
export function httpsUrl(place: Place): string | undefined {
  switch (place.kind) {
    case 's3': {
      const { bucket, key, endpoint, region } = place;
      const base =
        endpoint === undefined
          ? `https://${bucket}.s3${region === undefined ? '' : `.${region}`}.amazonaws.com`
          : `${endpoint.replace(/\/+$/, '')}/${bucket}`;
      return joinPath(base, escapedPath(key));
    }
    case 'gcs':
      return joinPath(place.service.replace(/\/+$/, ''), place.bucket, escapedPath(place.key));
    case 'azure':
      return joinPath(place.service.replace(/\/+$/, ''), place.container, escapedPath(place.key));
    case 'local':
      return undefined;
    default:
      return place satisfies never;
  }
}

function escapedPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
