import type { AzureEntry } from './info.js';

/** The fields of a shared access signature, besides the signature itself. */
export interface SasClaims {
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly startsAt: number | undefined;
  /** Letters; undefined if they are in a stored access policy. */
  readonly permissions: string | undefined;
}

/** Undefined if the entry has none. Fields: Azure Storage REST API, "Create a service SAS". */
export function readSas({ info: { credentials } }: AzureEntry): SasClaims | undefined {
  const token =
    credentials.kind === 'sas'
      ? credentials.sasToken
      : credentials.kind === 'connection-string'
        ? /SharedAccessSignature=([^;]+)/i.exec(credentials.connectionString)?.[1]
        : undefined;
  if (token === undefined) return undefined;
  const claims = new URLSearchParams(token.replace(/^\?/, ''));
  return {
    expiresAt: time(claims.get('se')),
    startsAt: time(claims.get('st')),
    permissions: claims.get('sp') ?? undefined,
  };
}

function time(text: string | null): number | undefined {
  const milliseconds = Date.parse(text ?? '');
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}
