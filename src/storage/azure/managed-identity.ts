import type { TokenCredential } from '@azure/identity';

import type { LakeportError } from '../../errors.js';
import type { Agents } from '../http/agents.js';
import { field, textField } from '../http/error-mapping.js';
import { send } from '../http/request.js';
import { isTransientStatus, RemoteError } from '../http/store-error.js';

export interface IdentityEndpoint {
  /** Id of the storage entry. */
  readonly entry: string;
  /** URL of the token endpoint. */
  readonly url: string;
  readonly clientId: string | undefined;
  readonly objectId: string | undefined;
  readonly resourceId: string | undefined;
}

/**
 * Tokens of a managed identity from an endpoint given in the entry; Microsoft's identity client only knows its own.
 * Protocol: Microsoft Entra documentation, "How to use managed identities for Azure resources on an Azure VM to acquire
 * an access token".
 */
export function identityEndpointCredential(identity: IdentityEndpoint, agents: Agents): TokenCredential {
  return {
    getToken: async (scopes) => {
      const url = addressOf(identity, String(scopes).replace(/\/\.default$/, ''));
      const answer = await send({ method: 'GET', url, headers: { metadata: 'true' }, agents });
      const token = parse(answer.body);
      if (answer.status !== 200 || token === undefined) throw noToken(identity, answer.status);
      return token;
    },
  };
}

function addressOf({ url, clientId, objectId, resourceId }: IdentityEndpoint, resource: string): URL {
  const address = new URL(url);
  address.searchParams.set('api-version', '2018-02-01');
  address.searchParams.set('resource', resource);
  for (const [name, value] of [
    ['client_id', clientId],
    ['object_id', objectId],
    ['msi_res_id', resourceId],
  ] as const) {
    if (value !== undefined) address.searchParams.set(name, value);
  }
  return address;
}

/** `expires_on` is in seconds since 1970, as text. */
function parse(body: Buffer): { token: string; expiresOnTimestamp: number } | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  const token = textField(answer, 'access_token');
  const expiresOn = Number(field(answer, 'expires_on'));
  return token === undefined || Number.isNaN(expiresOn) ? undefined : { token, expiresOnTimestamp: expiresOn * 1000 };
}

function noToken({ entry }: IdentityEndpoint, status: number): LakeportError {
  return new RemoteError({
    code: 'AZURE_NO_CREDENTIALS',
    message: `The identity endpoint of storage entry "${entry}" returns no token (HTTP ${status})`,
    hint: 'Check msi_endpoint, and that the identity is assigned to this machine.',
    context: { entry, detail: `HTTP ${status}` },
    transient: isTransientStatus(status),
  });
}
