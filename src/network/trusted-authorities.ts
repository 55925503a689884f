import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';

import { LakeportError } from '../errors.js';

/**
 * Where Unix systems keep the certificates of the authorities that they trust, as one file: Debian and Alpine, Fedora and
 * Red Hat (two), SUSE, OpenELEC, Alpine and the BSDs, FreeBSD. The same list is in Go's `crypto/x509`.
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

/** Contents of Node's own list, once they are needed. */
let publicAuthorities: ReadonlySet<string> | undefined;

/** Read once for each environment: it takes as long as many a request. */
const trusted = new Map<string, Promise<string[]>>();

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The authorities that TLS clients of this machine trust, each in PEM form: those of `SSL_CERT_FILE` and `SSL_CERT_DIR`
 * where these are set, as OpenSSL has it, else the system's own. Empty where the system has none.
 * @throws LakeportError of class `usage` where one of these variables names nothing that can be read
 */
export async function systemAuthorities(env: Environment = process.env): Promise<string[]> {
  const { SSL_CERT_FILE: file = '', SSL_CERT_DIR: directories = '' } = env;
  if (file === '' && directories === '') return systemStore();
  const named = await Promise.all([
    file === '' ? [] : readAuthorities(file, { detail: 'SSL_CERT_FILE' }),
    directories === '' ? [] : readDirectories(directories),
  ]);
  return [...new Set(named.flat())];
}

/**
 * What this program trusts where nothing narrower is asked for: Node's own list of public authorities, those of
 * `NODE_EXTRA_CA_CERTS`, and the system's. For TLS options that replace Node's list, which `ca` does.
 * @throws LakeportError as `systemAuthorities` does
 */
export function trustedAuthorities(env: Environment = process.env): Promise<string[]> {
  const key = [env['SSL_CERT_FILE'], env['SSL_CERT_DIR'], env['NODE_EXTRA_CA_CERTS']].join('\n');
  const known = trusted.get(key) ?? readTrusted(env);
  trusted.set(key, known);
  // Who has mended a file may ask again.
  known.catch(() => trusted.delete(key));
  return known;
}

async function readTrusted(env: Environment): Promise<string[]> {
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? '';
  const further = await Promise.all([
    // Node has warned already where it can't read the file.
    extra === '' ? [] : readFile(extra, 'utf8').then(certificatesIn, () => []),
    systemAuthorities(env),
  ]);
  return [...tls.rootCertificates, ...further.flat().filter((pem) => !isPublic(pem))];
}

/** Who names a file of certificates, for errors. */
export interface AuthoritiesSource {
  /** The variable or the entry's field. */
  readonly detail: string;
  /** Id of the entry, where it is a field. */
  readonly entry?: string;
  /** Of the error where the file can't be used. */
  readonly code?: string;
}

/**
 * The certificates of a PEM file.
 * @throws LakeportError of class `usage` where it can't be read or holds no certificate
 */
export async function readAuthorities(file: string, source: AuthoritiesSource): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unusable({ file, source, says: 'cannot be read', cause });
  });
  const found = certificatesIn(text);
  if (found.length === 0) throw unusable({ file, source, says: 'holds no certificate in PEM form' });
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

/** `SSL_CERT_DIR` may name several directories; those that are not there do not matter as long as one is. */
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
  // Directories, keys and lists of revoked certificates may be in there as well.
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.flatMap(certificatesIn);
}

/** One broken certificate, which systems do have, would make Node refuse all of them. */
function certificatesIn(text: string): string[] {
  return (text.match(CERTIFICATE) ?? []).filter(isCertificate);
}

/** Without the line breaks: the system's list has mostly the same certificates as Node's, broken elsewhere. */
function contentOf(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----|\s+/g, '');
}

/** Node's own are sound, and parsing all of the system's again would take longer than a small export. */
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
    exit: 'usage',
    message: `${file}, which ${detail}${entry === undefined ? '' : ` of ${entry}`} names, ${says}`,
    hint: `Give the path of certificates in PEM form in ${detail}, or leave it out.`,
    context: { ...(entry === undefined ? {} : { entry }), path: file, detail },
    cause,
  });
}
