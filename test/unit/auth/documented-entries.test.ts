import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { readAuthFile } from '../../../src/auth-file.js';

/** Every example of an entry in the documents for users. */

const PAGES = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
const DOCUMENTS = ['README.md', ...PAGES.map((name) => `docs/${name}`)];

interface Example {
  readonly place: string;
  readonly json: string;
}

const EXAMPLES = DOCUMENTS.flatMap((document): Example[] => {
  const blocks = readFileSync(document, 'utf8').matchAll(/```json\n(.*?)```/gs);
  const authFiles = Array.from(blocks, ([, json = '']) => json).filter((json) => /"(?:storage|ds)_type"/.test(json));
  return authFiles.map((json, index) => ({ place: `${document}, ${index + 1}`, json }));
});

describe('the documents show entries that work', () => {
  it('in a good number', () => expect(EXAMPLES.length).toBeGreaterThan(15));

  it.each(EXAMPLES)('$place', async ({ json }) => {
    const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-documents-'));
    const file = path.join(directory, 'auth.json');
    writeFileSync(path.join(directory, 'secret'), 'sv=1&sig=secret');
    writeFileSync(file, json.replaceAll(/\$file\{[^}]*\}/g, `$file{${directory}/secret}`), { mode: 0o600 });
    const names = Array.from(json.matchAll(/\$\{(\w+)\}/g), ([, name = '']) => name);
    const key = JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: 'k' });
    // Account keys are base64, keys of Google JSON.
    const environment = Object.fromEntries(names.map((name) => [name, name === 'GCP_KEY' ? key : 'c2VjcmV0']));
    try {
      const auth = await readAuthFile(file, { environment });
      expect(auth.warnings).toEqual([]);
      expect(auth.ids().length).toBeGreaterThan(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
