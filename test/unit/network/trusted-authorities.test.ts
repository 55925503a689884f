import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rootCertificates } from 'node:tls';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readAuthorities, systemAuthorities, trustedAuthorities } from '../../../src/network/trusted-authorities.js';
import { AUTHORITY } from '../../servers/certificates.js';
import { failure } from '../../harness/failure.js';
import { ScratchDirectory } from '../../harness/scratch.js';

const scratch = new ScratchDirectory();
const directory = scratch.path;

beforeAll(async () => {
  await writeFile(path.join(directory, 'authority.pem'), `a comment\r\n${AUTHORITY.replaceAll('\n', '\r\n')}`);
  await writeFile(path.join(directory, 'empty.pem'), 'no certificate');
  await mkdir(path.join(directory, 'certs'));
  await writeFile(path.join(directory, 'certs', '0a775a30.0'), AUTHORITY);
  await writeFile(path.join(directory, 'certs', 'broken.pem'), AUTHORITY.replace('MIIB', 'AAAA'));
});

afterAll(() => scratch.remove());

const file = (name: string) => path.join(directory, name);
const normal = (pem: string) => pem.replaceAll('\r', '').trim();
const authority = normal(AUTHORITY);

describe('the authorities that are trusted', () => {
  it('SSL_CERT_FILE and SSL_CERT_DIR replace the system’s authorities', async () => {
    expect((await systemAuthorities({ SSL_CERT_FILE: file('authority.pem') })).map(normal)).toEqual([authority]);
    const directories = `${file('missing')}${path.delimiter}${file('certs')}`;
    expect((await systemAuthorities({ SSL_CERT_DIR: directories })).map(normal)).toEqual([authority]);
  });

  it('the defaults are Node’s own, those of NODE_EXTRA_CA_CERTS, and the system’s', async () => {
    const none = { SSL_CERT_DIR: directory };
    const found = await trustedAuthorities({ ...none, NODE_EXTRA_CA_CERTS: file('authority.pem') });
    expect(found).toEqual(expect.arrayContaining([...rootCertificates]));
    expect(found.map(normal)).toContain(authority);
    // The system's list is broken into lines of another length than Node's.
    const content = (pem: string) => pem.replace(/\s/g, '');
    const all = new Set((await trustedAuthorities({})).map(content));
    expect((await systemAuthorities({})).filter((pem) => !all.has(content(pem)))).toHaveLength(0);
  });

  it('a variable that names no certificates is named in the error', async () => {
    const usage = { code: 'CA_FILE_UNUSABLE', exit: 'usage' };
    const missing = await failure(systemAuthorities({ SSL_CERT_FILE: file('missing') }));
    expect(missing).toMatchObject({ ...usage, context: { detail: 'SSL_CERT_FILE', path: file('missing') } });
    const directories = await failure(systemAuthorities({ SSL_CERT_DIR: file('missing') }));
    expect(directories).toMatchObject({ ...usage, context: { detail: 'SSL_CERT_DIR' } });
    const empty = await failure(readAuthorities(file('empty.pem'), { detail: 'AWS_CA_BUNDLE' }));
    expect(empty).toMatchObject({ ...usage, message: expect.stringContaining('contains no certificate') as string });
  });
});
