import type { ConnectionOptions } from 'node:tls';
import { isSocketDirectory, type PostgresSettings } from './settings.js';

/** libpq's modes: `require` accepts any certificate unless a CA is given, `verify-ca` any host name. */
export function tlsOptions({ ssl, certificates, tlsVersions }: PostgresSettings): ConnectionOptions | undefined {
  if (ssl === 'disable') return undefined;
  const { ca, ...others } = certificates;
  const verified = ssl === 'verify-ca' || ssl === 'verify-full' || ca !== undefined;
  const { least, most } = tlsVersions ?? {};
  return {
    ...others,
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    // Else Node would read its list of authorities, which takes as long as the connection itself.
    ...(!verified && { ca: [] }),
    rejectUnauthorized: verified,
    ...(ssl !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(least !== undefined && { minVersion: least }),
    ...(most !== undefined && { maxVersion: most }),
  };
}

/** Whether connections start with TLS rather than with PostgreSQL's request for it. Unix sockets have no TLS at all. */
export function startsWithTls({ server, tlsNegotiation, ssl }: PostgresSettings): boolean {
  return tlsNegotiation === 'direct' && ssl !== 'disable' && !isSocketDirectory(server);
}
