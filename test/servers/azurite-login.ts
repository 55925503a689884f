import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

import { LOCALHOST_CERTIFICATE, SERVER_KEY } from './certificates.js';

export interface LoginServer {
  readonly port: number;
  /** `METHOD path` of each request. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

export interface LoginServerOptions {
  readonly clientSecret: string;
  /** What the right secret gets. */
  readonly token: string;
}

/** As much of login.microsoftonline.com as a service principal needs to get a token. */
export async function startLoginServer(options: LoginServerOptions): Promise<LoginServer> {
  const requests: string[] = [];
  const server = https.createServer({ key: SERVER_KEY, cert: LOCALHOST_CERTIFICATE }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname } = new URL(request.url ?? '/', 'https://login');
      requests.push(`${request.method ?? ''} ${pathname}`);
      const { status, body } = answer(pathname, new URLSearchParams(Buffer.concat(chunks).toString()), options);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    requests,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  pathname: string,
  form: URLSearchParams,
  options: LoginServerOptions,
): { status: number; body: object } {
  if (pathname.endsWith('/token')) {
    if (form.get('client_secret') !== options.clientSecret) {
      return {
        status: 401,
        body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret.' },
      };
    }
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3600, access_token: options.token } };
  }
  const tenant = `https://login.microsoftonline.com/${pathname.split('/')[1] ?? ''}`;
  return {
    status: 200,
    body: {
      token_endpoint: `${tenant}/oauth2/v2.0/token`,
      authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
      end_session_endpoint: `${tenant}/oauth2/v2.0/logout`,
      jwks_uri: `${tenant}/discovery/v2.0/keys`,
      issuer: `${tenant}/v2.0`,
    },
  };
}

/** A token as Azurite's `--oauth basic` takes it: it reads the claims, and no signature. */
export function azuriteToken(options: { readonly expiresInSeconds?: number } = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/',
    iat: now - 60,
    nbf: now - 60,
    exp: now + (options.expiresInSeconds ?? 3600),
    oid: '23657296-5cd5-45b0-a809-d972a7f4dfe1',
    tid: 'dd0d0df1-06c3-436c-8034-4b9a153097ce',
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode({ typ: 'JWT', alg: 'RS256' })}.${encode(claims)}.${Buffer.from('signature').toString('base64url')}`;
}
