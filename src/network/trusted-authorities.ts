import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';

import { ENVIRONMENT } from '../environment.js';
import { type ErrorCode, LakeportError } from '../errors.js';

/**
 * Files with the trusted CA certificates on Unix systems: Debian and Alpine, Fedora and Red Hat (two), SUSE, OpenELEC,
 * Alpine and the BSDs, FreeBSD. The same list is in Go's `crypto/x509`.
 */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/etc/ssl/cert.pem',
];

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Certificates of Node's own list, loaded on demand. */
let publicAuthorities: ReadonlySet<string> | undefined;

/** Cached per environment: loading takes as long as a network request. */
const trusted = new Map<string, Promise<string[]>>();

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The CA certificates trusted by this machine, in PEM form: those of `SSL_CERT_FILE` and `SSL_CERT_DIR` if set, as in
 * OpenSSL, otherwise the system's own. Empty if the system has none.
 * @throws LakeportError of class `usage` if one of these variables names something unreadable
 */
export async function systemAuthorities(env: Environment = ENVIRONMENT): Promise<string[]> {
  const { SSL_CERT_FILE: file = '', SSL_CERT_DIR: directories = '' } = env;
  if (file === '' && directories === '') return systemStore();
  const named = await Promise.all([
    file === '' ? [] : readAuthorities(file, { detail: 'SSL_CERT_FILE' }),
    directories === '' ? [] : readDirectories(directories),
  ]);
  return [...new Set(named.flat())];
}

/**
 * The CA certificates trusted by default: Node's own list of public CAs, those of `NODE_EXTRA_CA_CERTS`, and the
 * system's. For TLS options that replace Node's list, as `ca` does.
 * @throws LakeportError like `systemAuthorities`
 */
export function trustedAuthorities(env: Environment = ENVIRONMENT): Promise<string[]> {
  const key = [env['SSL_CERT_FILE'], env['SSL_CERT_DIR'], env['NODE_EXTRA_CA_CERTS']].join('\n');
  const known = trusted.get(key) ?? readTrusted(env);
  trusted.set(key, known);
  // After a failure, the next call reads the files again.
  known.catch(() => trusted.delete(key));
  return known;
}

async function readTrusted(env: Environment): Promise<string[]> {
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? '';
  const further = await Promise.all([
    // If the file is unreadable, Node has already printed a warning.
    extra === '' ? [] : readFile(extra, 'utf8').then(certificatesIn, () => []),
    systemAuthorities(env),
  ]);
  return [...tls.rootCertificates, ...further.flat().filter((pem) => !isPublic(pem))];
}

/** What refers to a certificate file, for error messages. */
export interface AuthoritiesSource {
  /** The variable or the entry's field. */
  readonly detail: string;
  /** Id of the entry, if it is a field. */
  readonly entry?: string;
  /** Code of the error if the file is unusable. */
  readonly code?: ErrorCode;
}

/**
 * The certificates of a PEM file.
 * @throws LakeportError of class `usage` if it is unreadable or contains no certificate
 */
export async function readAuthorities(file: string, source: AuthoritiesSource): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unusable({ file, source, says: 'cannot be read', cause });
  });
  const found = certificatesIn(text);
  if (found.length === 0) throw unusable({ file, source, says: 'contains no certificate in PEM form' });
  return found;
}

async function systemStore(): Promise<string[]> {
  const isFile = process.platform !== 'win32' && process.platform !== 'darwin';
  for (const bundle of isFile ? BUNDLES : []) {
    const found = await readFile(bundle, 'utf8').then(certificatesIn, () => []);
    if (found.length > 0) return found;
  }
  // Since Node 22.15.
  return 'getCACertificates' in tls && typeof tls.getCACertificates === 'function'
    ? // The type declarations are those of Node 20.
      (tls.getCACertificates as (type: 'system') => string[])('system')
    : [];
}

/** `SSL_CERT_DIR` may name several directories; at least one must exist. */
async function readDirectories(directories: string): Promise<string[]> {
  const named = directories.split(path.delimiter).filter((directory) => directory !== '');
  const listed = await Promise.all(
    named.map(async (directory) => {
      const names = await readdir(directory).catch(() => undefined);
      return names?.map((name) => path.join(directory, name));
    }),
  );
  if (listed.every((files) => files === undefined)) {
    throw unusable({ file: directories, source: { detail: 'SSL_CERT_DIR' }, says: 'cannot be read' });
  }
  const files = listed.flatMap((found) => found ?? []);
  // There may also be directories, keys and revocation lists.
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.flatMap(certificatesIn);
}

/** Filters out broken certificates, which some systems have: Node would reject the whole list. */
function certificatesIn(text: string): string[] {
  return (text.match(CERTIFICATE) ?? []).filter(isCertificate);
}

/** Without line breaks: most certificates of the system's list are also in Node's, but wrapped differently. */
function contentOf(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----|\s+/g, '');
}

/** Skips parsing Node's own certificates, which are valid: parsing them all would take longer than a small export. */
function isPublic(pem: string): boolean {
  publicAuthorities ??= new Set(tls.rootCertificates.map(contentOf));
  return publicAuthorities.has(contentOf(pem));
}

function isCertificate(pem: string): boolean {
  if (isPublic(pem)) return true;
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

function unusable(problem: {
  readonly file: string;
  readonly source: AuthoritiesSource;
  readonly says: string;
  readonly cause?: unknown;
}): LakeportError {
  const { file, says, cause } = problem;
  const { detail, entry, code = 'CA_FILE_UNUSABLE' } = problem.source;
  return new LakeportError({
    code,
    message: `${file}, named by ${detail}${entry === undefined ? '' : ` of ${entry}`}, ${says}`,
    hint: `Set ${detail} to the path of certificates in PEM form, or remove it.`,
    context: { ...(entry === undefined ? {} : { entry }), path: file, detail },
    cause,
  });
}
