import { type Address, urlParts } from '../directory-url.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const AZURE_FORM = 'must be a URL such as abfss://container@account.dfs.core.windows.net/base or az://container/base';

/** Parses `abfss://container@account.dfs.core.windows.net/base` and similar URLs. */
export function azureAddress(directory: string): Address {
  const { scheme, authority, path } = urlParts(directory);
  if (scheme === 'onelake') return oneLakeAddress(authority, path);
  if (scheme === 'https' || scheme === 'http') {
    const [container, ...base] = path.split('/');
    return withHost(container ?? '', authority, base.join('/'));
  }
  if (!/^(az|azure|abfss?|abs|adls?|wasbs?)$/.test(scheme)) return { problem: AZURE_FORM };
  const [container = '', host] = authority.split('@');
  if (host !== undefined) return withHost(container, host, path);
  // Some configurations have the container in place of the account, and the account in its own field.
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
      // National clouds have their own domains.
      endpoint_url:
        fabric || domain.toLowerCase() === 'core.windows.net' ? undefined : `https://${account}.blob.${domain}`,
    },
  };
}

/**
 * `onelake://workspace/lakehouse/path`: in OneLake the container is the workspace, the first directory is an item with its
 * type (unless both are GUIDs), and only its `Files` and `Tables` are writable.
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
