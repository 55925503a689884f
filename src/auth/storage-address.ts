import { readLocalPath } from '../runtime/local-path.js';
import type { EntryType } from './schema/field-names.js';

/** What a `directory` URL stands for, by names of fields; or what is wrong with it. Undefined values are left out. */
export type Address =
  { readonly fields: Readonly<Record<string, string | boolean | undefined>> } | { readonly problem: string };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Resolves the `directory` of a storage entry. */
export function resolveDirectory(type: EntryType, directory: string): Address {
  const [, scheme, authority, path] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)\/*(.*)$/i.exec(directory) ?? [];
  switch (type) {
    case 's3':
      if (!/^s3[an]?$/i.test(scheme ?? '')) return { problem: 'must be a URL such as s3://bucket/base' };
      return bucketAddress(authority, path);
    case 'gcs':
      if (!/^(gs|gcs)$/i.test(scheme ?? '')) return { problem: 'must be a URL such as gs://bucket/base' };
      return bucketAddress(authority, path);
    case 'azure':
      return azureAddress(scheme?.toLowerCase() ?? '', authority ?? '', path ?? '');
    default:
      return localAddress(directory);
  }
}

function bucketAddress(bucket: string | undefined, path: string | undefined): Address {
  if (bucket === undefined || bucket === '') return { problem: 'names no bucket' };
  return { fields: { bucket, base_path: path } };
}

function localAddress(directory: string): Address {
  const read = readLocalPath(directory);
  return 'path' in read ? { fields: { directory: read.path } } : read;
}

const AZURE_FORM = 'must be a URL such as abfss://container@account.dfs.core.windows.net/base or az://container/base';

/** `abfss://container@account.dfs.core.windows.net/base` and its relatives. */
function azureAddress(scheme: string, authority: string, path: string): Address {
  if (scheme === 'onelake') return oneLakeAddress(authority, path);
  if (scheme === 'https' || scheme === 'http') {
    const [container, ...base] = path.split('/');
    return withHost(container ?? '', authority, base.join('/'));
  }
  if (!/^(az|azure|abfss?|abs|adls?|wasbs?)$/.test(scheme)) return { problem: AZURE_FORM };
  const [container = '', host] = authority.split('@');
  if (host !== undefined) return withHost(container, host, path);
  // Some configurations name the container where the account belongs, and the account in a field of its own.
  const [name = ''] = container.split('.');
  return name === '' ? { problem: AZURE_FORM } : { fields: { container: name, base_path: path } };
}

function withHost(container: string, host: string, path: string): Address {
  const [, account, domain] = /^([\w-]+)\.(?:dfs|blob)\.(.+)$/i.exec(host) ?? [];
  if (container === '' || account === undefined || domain === undefined) return { problem: AZURE_FORM };
  const fabric = domain.toLowerCase() === 'fabric.microsoft.com';
  return {
    fields: {
      container: decoded(container),
      account_name: account,
      base_path: path,
      use_fabric_endpoint: fabric ? true : undefined,
      // National clouds have domains of their own.
      endpoint_url:
        fabric || domain.toLowerCase() === 'core.windows.net' ? undefined : `https://${account}.blob.${domain}`,
    },
  };
}

/**
 * `onelake://workspace/lakehouse/path`: OneLake's container is the workspace, the first directory an item with its type
 * (unless both are GUIDs), and only `Files` and `Tables` in it can be written to.
 */
function oneLakeAddress(workspace: string, path: string): Address {
  const [item = '', ...rest] = path.split('/').filter((segment) => segment !== '');
  if (workspace === '' || item === '') return { problem: 'must be a URL such as onelake://workspace/lakehouse/base' };
  const itemDirectory = item.includes('.') || UUID.test(item) ? item : `${item}.Lakehouse`;
  const base = rest[0] === 'Files' || rest[0] === 'Tables' ? rest : ['Files', ...rest];
  return {
    fields: {
      container: decoded(workspace),
      account_name: 'onelake',
      base_path: [itemDirectory, ...base].join('/'),
      use_fabric_endpoint: true,
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
