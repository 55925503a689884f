import type { AzureEntry } from './info.js';

/** What a shared access signature says of itself, besides the signature. */
export interface SasClaims {
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
  readonly startsAt: number | undefined;
  /** Letters; undefined where a policy of the container holds them. */
  readonly permissions: string | undefined;
}

/** Undefined where the entry has none. Fields: Azure Storage REST API, "Create a service SAS". */
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
