import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AUTHORITY } from '../servers/certificates.js';

/** A file of the authority that signs the tests' certificates, until the cleanups run. */
export async function writeAuthority(cleanups: (() => unknown)[]): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'lakeport-authority-'));
  cleanups.push(() => rm(directory, { recursive: true }));
  const file = path.join(directory, 'ca.pem');
  await writeFile(file, AUTHORITY);
  return file;
}
