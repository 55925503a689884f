import { isIP } from 'node:net';

import type { AzureEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import { checkEndpoint, isLoopback } from '../http/endpoint.js';

/** Account and key of every Azure emulator; Azure documentation, "Use the Azurite emulator". */
const EMULATOR_ACCOUNT = 'devstoreaccount1';
export const EMULATOR_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const EMULATOR = 'http://127.0.0.1:10000';
const ONELAKE = 'https://onelake.blob.fabric.microsoft.com';

/**
 * Address of the account's blob service.
 * @throws LakeportError of class `usage` if the entry has no address, or one that is rejected
 */
export function accountEndpoint(entry: AzureEntry): URL {
  const { info, id } = entry;
  const account = accountOf(entry);
  const url = checkEndpoint({ entry: id, endpoint: addressOf(entry, account), allowHttp: info.allowHttp });
  // Accounts with a hierarchical namespace have a second endpoint; this store uses the blob endpoint.
  url.hostname = url.hostname.replace(/\.dfs\.(?=core\.|fabric\.)/, '.blob.');
  // Emulators have the account in the path, real services in the host name.
  if (url.pathname === '/' && account !== undefined && inPath(url)) url.pathname = `/${account}`;
  return url;
}

/** The account's name; undefined if only a complete URL contains it. */
export function accountOf({ info }: AzureEntry): string | undefined {
  return info.accountName ?? (info.useEmulator ? EMULATOR_ACCOUNT : undefined);
}

function addressOf({ info, id }: AzureEntry, account: string | undefined): string {
  if (info.endpointUrl !== undefined) return info.endpointUrl;
  if (info.useEmulator) return EMULATOR;
  if (info.useFabricEndpoint) return ONELAKE;
  if (account !== undefined) return `https://${account}.blob.core.windows.net`;
  throw new LakeportError({
    code: 'AZURE_NO_ACCOUNT',
    message: `Storage entry "${id}" names no account`,
    hint: 'Give account_name, a connection_string, or endpoint_url.',
    context: { entry: id, detail: 'account_name' },
  });
}

function inPath(url: URL): boolean {
  return isLoopback(url.hostname) || isIP(url.hostname) !== 0;
}
