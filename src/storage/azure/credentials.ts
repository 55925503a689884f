import type { TokenCredential } from '@azure/identity';
import type { StorageSharedKeyCredential } from '@azure/storage-blob';

import type { AzureCredentials, AzureEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import type { Agents } from '../http/agents.js';
import { accountOf, EMULATOR_KEY } from './endpoint.js';
import { identityEndpointCredential } from './managed-identity.js';

/** How requests are authorized. A shared access signature is part of their URLs. */
export type AzureCredential =
  | { readonly kind: 'key'; readonly credential: StorageSharedKeyCredential }
  | { readonly kind: 'sas'; readonly sas: string }
  | { readonly kind: 'token'; readonly credential: TokenCredential };

const METADATA_TIMEOUT_MS = 3_000;

type Single = Exclude<AzureCredentials, { kind: 'connection-string' }>;

/** @throws LakeportError of class `usage` if the entry's fields do not yield a credential */
export async function loadCredential(entry: AzureEntry, credentials: Single, agents: Agents): Promise<AzureCredential> {
  switch (credentials.kind) {
    case 'account-key':
      return sharedKey(entry, credentials.accountKey);
    case 'sas':
      return { kind: 'sas', sas: credentials.sasToken.replace(/^\?/, '') };
    case 'default':
      if (entry.info.useEmulator) return sharedKey(entry, EMULATOR_KEY);
      return { kind: 'token', credential: await tokenCredential(entry, credentials, agents) };
    default:
      return { kind: 'token', credential: await tokenCredential(entry, credentials, agents) };
  }
}

async function sharedKey(entry: AzureEntry, key: string): Promise<AzureCredential> {
  const account = accountOf(entry);
  if (account === undefined || Buffer.from(key, 'base64').length === 0) {
    throw new LakeportError({
      code: 'AZURE_KEY_INCOMPLETE',
      message:
        account === undefined
          ? `Storage entry "${entry.id}" has an account_key, but no account_name`
          : `The account_key of storage entry "${entry.id}" is not valid base64`,
      hint: 'Copy both from "Access keys" of the storage account.',
      context: { entry: entry.id, detail: account === undefined ? 'account_name' : 'account_key' },
    });
  }
  const { StorageSharedKeyCredential } = await import('@azure/storage-blob');
  return { kind: 'key', credential: new StorageSharedKeyCredential(account, key) };
}

type TokenCredentials = Exclude<Single, { kind: 'account-key' | 'sas' }>;

async function tokenCredential(
  entry: AzureEntry,
  credentials: TokenCredentials,
  agents: Agents,
): Promise<TokenCredential> {
  if (credentials.kind === 'token') return fixedToken(credentials.token);
  if (credentials.kind === 'managed-identity' && credentials.endpoint !== undefined) {
    return identityEndpointCredential({ ...credentials, entry: entry.id, url: credentials.endpoint }, agents);
  }
  const identity = await import('@azure/identity');
  const options = { additionalPolicies: [{ policy: agentPolicy(agents), position: 'perCall' as const }] };
  switch (credentials.kind) {
    case 'service-principal': {
      const { tenantId, clientId, clientSecret } = credentials;
      return new identity.ClientSecretCredential(tenantId, clientId, clientSecret, options);
    }
    case 'workload-identity': {
      const { tenantId, clientId, tokenFile } = credentials;
      return new identity.WorkloadIdentityCredential({
        ...options,
        tokenFilePath: tokenFile,
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(clientId === undefined ? {} : { clientId }),
      });
    }
    case 'managed-identity': {
      const { clientId, objectId, resourceId } = credentials;
      if (clientId !== undefined) return new identity.ManagedIdentityCredential({ ...options, clientId });
      if (objectId !== undefined) return new identity.ManagedIdentityCredential({ ...options, objectId });
      if (resourceId !== undefined) return new identity.ManagedIdentityCredential({ ...options, resourceId });
      return new identity.ManagedIdentityCredential(options);
    }
    case 'azure-cli':
      return new identity.AzureCliCredential();
    case 'default':
      return patient(new identity.DefaultAzureCredential(options));
  }
}

/** Microsoft's client waits one second for the metadata service, then assumes that the machine is not in Azure. */
function patient(credential: TokenCredential): TokenCredential {
  return {
    getToken: (scopes, options) =>
      credential.getToken(scopes, {
        ...options,
        requestOptions: {
          ...options?.requestOptions,
          timeout: options?.requestOptions?.timeout || METADATA_TIMEOUT_MS,
        },
      }),
  };
}

/** A token from elsewhere, which cannot be renewed. */
function fixedToken(token: string): TokenCredential {
  const farAway = Date.now() + 365 * 24 * 3600 * 1000;
  return { getToken: () => Promise.resolve({ token, expiresOnTimestamp: farAway }) };
}

interface AgentRequest {
  readonly url: string;
  agent?: unknown;
}

/** Chooses the connection by URL: tokens come from https services and from the machine's own metadata service. */
function agentPolicy(agents: Agents) {
  return {
    name: 'lakeportAgentPolicy',
    sendRequest<Request extends AgentRequest, Answer>(request: Request, next: (request: Request) => Promise<Answer>) {
      request.agent = agents.for(request.url);
      return next(request);
    },
  };
}
