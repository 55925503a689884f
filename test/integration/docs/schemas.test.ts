import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { validate, whyNoValidator } from '../../harness/json-schema.js';

/* The published JSON Schemas, as a validator that is not ours reads them. */

type Json = Record<string, unknown>;

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Json;

/** Every example of an entry in the documents for users. */
function documentedEntries(): Json[] {
  const pages = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.map((name) => `docs/${name}`)].flatMap((page) =>
    Array.from(readFileSync(page, 'utf8').matchAll(/```json\n(.*?)```/gs), ([, json = '']) => json)
      .filter((json) => /"(?:storage|ds)_type"/.test(json))
      .map((json) => JSON.parse(json) as Json),
  );
}

describe.skipIf(whyNoValidator() !== undefined)('JSON Schemas', () => {
  it.each(readdirSync('docs/schemas'))('%s is a schema that refuses other documents', async (name) => {
    expect(await validate(read(`docs/schemas/${name}`), ['text', null])).not.toContain(null);
  });

  it('the auth file of the examples and of the documents is valid', async () => {
    const documents = [read('auth.example.json'), ...documentedEntries()];
    expect(documents.length).toBeGreaterThan(15);
    expect((await validate(read('docs/schemas/auth.json'), documents)).filter((error) => error !== null)).toEqual([]);
  });

  it('an auth file may name its schema, and spell types and names in the ways that are documented', async () => {
    const documents = [
      { $schema: './auth.json' },
      { pg: { ds_type: 'Postgres', auth_mode: 'Classic', info: { host: 'db', port: '${PORT}', sslmode: true } } },
      { s3: { ds_type: 'minio_s3', info: { aws_bucket: 'b', part_size: '8 MiB', tags: { a: 1 } } } },
      { az: { storage_type: 'onelake', info: { directory: 'abfss://w@onelake.dfs.fabric.microsoft.com/x' } } },
      { later: { ds_type: 'oracle', info: { anything: true } } },
    ];
    expect(await validate(read('docs/schemas/auth.json'), documents)).toEqual(documents.map(() => null));
  });

  it.each<[string, Json]>([
    ['an entry without info', { ds_type: 'postgres' }],
    ['an entry without a type', { info: {} }],
    ['an unknown type', { ds_type: 'postgers', info: {} }],
    ['a database as a storage', { storage_type: 'postgres', info: {} }],
    ['another way to log in', { ds_type: 'sqlite', auth_mode: 'classic', info: { filepath: 'x' } }],
    ['a number for a text', { ds_type: 'postgres', info: { password: 5 } }],
    ['a port out of range', { ds_type: 'postgres', info: { port: 70_000 } }],
    ['a synonym with a wrong value', { ds_type: 'postgres', info: { user: true } }],
    ['a field with a prefix and a wrong value', { storage_type: 's3', info: { aws_region: 1 } }],
    ['a list of numbers', { storage_type: 'gcs', info: { proxy_excludes: [1] } }],
  ])('%s is refused', async (_, entry) => {
    expect(await validate(read('docs/schemas/auth.json'), [{ entry }])).not.toContain(null);
  });
});
