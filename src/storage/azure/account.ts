import type http from 'node:http';

import {
  BlobServiceClient,
  type BlobClient,
  type ContainerClient,
  type StoragePipelineOptions,
} from '@azure/storage-blob';

import type { AzureEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import type { Agents } from '../http/agents.js';
import { checkEndpoint } from '../http/endpoint.js';
import { type AzureCredential, loadCredential } from './credentials.js';
import { accountEndpoint } from './endpoint.js';

/** Scope of tokens for blobs; the Azure client requests the same one. */
const STORAGE_SCOPE = 'https://storage.azure.com/.default';
const COPY_SOURCE_LIFETIME_MS = 3600_000;

/** A URL from which the service itself can read a blob. */
export interface CopySource {
  readonly url: string;
  readonly sourceAuthorization?: { readonly scheme: string; readonly value: string };
}

/** The entry's container, with its credential. */
export class AzureAccount {
  readonly container: ContainerClient;
  readonly #credential: AzureCredential | undefined;

  private constructor(container: ContainerClient, credential: AzureCredential | undefined) {
    this.container = container;
    this.#credential = credential;
  }

  /** @throws LakeportError of class `usage` if the entry's fields do not yield an address and a credential */
  static async open(entry: AzureEntry, agents: Agents): Promise<AzureAccount> {
    const { credentials, container } = entry.info;
    if (credentials.kind === 'connection-string') {
      const service = fromConnectionString(entry, credentials.connectionString, agents);
      return new AzureAccount(service.getContainerClient(container), undefined);
    }
    const url = accountEndpoint(entry);
    const credential = await loadCredential(entry, credentials, agents);
    if (credential.kind === 'sas') url.search = credential.sas;
    if (credential.kind === 'token' && url.protocol === 'http:') throw tokenInTheClear(entry);
    const options = clientOptions(entry, agents.for(url));
    const service =
      credential.kind === 'sas'
        ? new BlobServiceClient(url.href, undefined, options)
        : new BlobServiceClient(url.href, credential.credential, options);
    return new AzureAccount(service.getContainerClient(container), credential);
  }

  /** The service reads the source of a copy on its own, so it needs an authorization for it. */
  async copySource(blob: BlobClient): Promise<CopySource> {
    if (this.#credential?.kind === 'token') {
      const token = await this.#credential.credential.getToken(STORAGE_SCOPE);
      return { url: blob.url, sourceAuthorization: { scheme: 'Bearer', value: token?.token ?? '' } };
    }
    // A shared access signature is already part of the blob's URL.
    if (new URL(blob.url).searchParams.has('sig')) return { url: blob.url };
    const { BlobSASPermissions } = await import('@azure/storage-blob');
    const url = await blob.generateSasUrl({
      permissions: BlobSASPermissions.parse('r'),
      expiresOn: new Date(Date.now() + COPY_SOURCE_LIFETIME_MS),
    });
    return { url };
  }
}

/** The Azure client would reject every request. */
function tokenInTheClear(entry: AzureEntry): LakeportError {
  return new LakeportError({
    code: 'AZURE_TOKEN_NEEDS_HTTPS',
    message: `Storage entry "${entry.id}" would send a token over plain http, which Azure's client does not allow`,
    hint: 'Use https in endpoint_url, or give an account_key or sas_token.',
    context: { entry: entry.id, detail: 'endpoint_url' },
  });
}

function fromConnectionString(entry: AzureEntry, connectionString: string, agents: Agents): BlobServiceClient {
  const parse = (options: StoragePipelineOptions) => {
    try {
      return BlobServiceClient.fromConnectionString(connectionString, options);
    } catch {
      // The client's own message only quotes its names for the parts; ours says where to look.
      throw new LakeportError({
        code: 'AZURE_CONNECTION_STRING_INVALID',
        message: `The connection_string of storage entry "${entry.id}" does not belong to a storage account`,
        hint: 'Copy it whole from "Access keys" of the storage account: DefaultEndpointsProtocol=…;AccountName=…;AccountKey=…;EndpointSuffix=….',
        context: { entry: entry.id, detail: 'connection_string' },
      });
    }
  };
  // Parsed twice: only the resulting URL tells which connections it needs.
  const { url } = parse({});
  const { protocol, origin } = new URL(url);
  checkEndpoint({ entry: entry.id, endpoint: origin, allowHttp: entry.info.allowHttp });
  return parse(clientOptions(entry, agents.for(`${protocol}//${new URL(url).host}`)));
}

/** `agent` is passed on to the client's pipeline, although its declared options lack it. */
function clientOptions(entry: AzureEntry, agent: http.Agent): StoragePipelineOptions & { agent: http.Agent } {
  const { userAgent } = entry.info;
  return {
    agent,
    userAgentOptions: { userAgentPrefix: userAgent === undefined ? 'lakeport' : `${userAgent} lakeport` },
    // Retries are ours, since each one must first check what the last one did.
    retryOptions: { maxTries: 1 },
  };
}
