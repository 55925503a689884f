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
    file === '' ? [] : readAuthorities(file, 'SSL_CERT_FILE'),
    directories === '' ? [] : readDirectories(directories),
  ]);
  return [...new Set(named.flat())];
}

/**
 * What this program trusts where nothing narrower is asked for: Node's own list of public authorities, those of
 * `NODE_EXTRA_CA_CERTS`, and the system's. For TLS options that replace Node's list, which `ca` does.
 * @throws LakeportError as `systemAuthorities` does
 */
export async function trustedAuthorities(env: Environment = process.env): Promise<string[]> {
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? '';
  const further = await Promise.all([
    // Node has warned already where it can't read the file.
    extra === '' ? [] : readFile(extra, 'utf8').then(certificatesIn, () => []),
    systemAuthorities(env),
  ]);
  return [...new Set([...tls.rootCertificates, ...further.flat()])];
}

/**
 * The certificates of a PEM file.
 * @param detail the variable or field that names the file
 * @throws LakeportError of class `usage` where it can't be read or holds no certificate
 */
export async function readAuthorities(file: string, detail: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unusable({ file, detail, says: 'cannot be read', cause });
  });
  const found = certificatesIn(text);
  if (found.length === 0) throw unusable({ file, detail, says: 'holds no certificate in PEM form' });
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
    throw unusable({ file: directories, detail: 'SSL_CERT_DIR', says: 'cannot be read' });
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

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}

function unusable(problem: { file: string; detail: string; says: string; cause?: unknown }): LakeportError {
  const { file, detail, says, cause } = problem;
  return new LakeportError({
    code: 'CA_FILE_UNUSABLE',
    exit: 'usage',
    message: `${file}, which ${detail} names, ${says}`,
    hint: `Give the path of certificates in PEM form in ${detail}, or unset it.`,
    context: { path: file, detail },
    cause,
  });
}
