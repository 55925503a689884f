import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { readAuthFile } from '../../../../src/auth-file.js';
import { refuseOtherSalt, saltFingerprint } from '../../../../src/cli/run-history/mask-salt.js';
import { completeOptions } from '../../../../src/export/model/complete-options.js';
import { ScratchDirectory } from '../../../harness/scratch.js';

const SALT = 'pepper';
const RUN_ID = '123e4567-e89b-42d3-a456-426614174000';
const scratch = new ScratchDirectory();
afterAll(() => scratch.remove());

async function auth(environment: Record<string, string>) {
  const file = path.join(scratch.path, 'auth.json');
  await writeFile(file, '{}', { mode: 0o600 });
  return readAuthFile(file, { environment });
}

const options = (method: 'hash' | 'null', runId = RUN_ID) =>
  completeOptions({
    runId,
    sourceId: 'ds',
    target: { directory: 'out' },
    masks: [{ pattern: 'a', value: { column: 'b', mask: { method } } }],
    maskSalt: '$env{PEPPER}',
  });

describe('the fingerprint of a salt', () => {
  it('is the same for the same salt and run only, and no plain hash of the salt', async () => {
    const found = await saltFingerprint(options('hash'), await auth({ PEPPER: SALT }));
    expect(found).toMatch(/^[\da-f]{64}$/);
    expect(await saltFingerprint(options('hash'), await auth({ PEPPER: SALT }))).toBe(found);
    expect(await saltFingerprint(options('hash'), await auth({ PEPPER: `${SALT} ` }))).not.toBe(found);
    const other = RUN_ID.replace('1', '2');
    expect(await saltFingerprint(options('hash', other), await auth({ PEPPER: SALT }))).not.toBe(found);
    for (const text of [SALT, SALT + RUN_ID, RUN_ID + SALT]) {
      expect(createHash('sha256').update(text).digest('hex')).not.toBe(found);
    }
  });

  it('is none where nothing is hashed', async () => {
    expect(await saltFingerprint(options('null'), await auth({ PEPPER: SALT }))).toBeUndefined();
  });

  it('tells a resume with another salt, without showing either', async () => {
    const recorded = await saltFingerprint(options('hash'), await auth({ PEPPER: SALT }));
    const resume = async (environment: Record<string, string>, before = recorded) =>
      refuseOtherSalt(before, { options: options('hash'), auth: await auth(environment) });
    await expect(resume({ PEPPER: SALT })).resolves.toBeUndefined();
    const refused = await resume({ PEPPER: 'another one' }).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'RESUME_OTHER_SALT', exit: 'usage' });
    expect(JSON.stringify(refused) + String(refused)).not.toMatch(/another one|pepper\b/);
    await expect(resume({})).rejects.toMatchObject({ code: 'SECRET_MISSING' });
  });
});

it('a secret is read once, whatever happens to its variable', async () => {
  const environment: Record<string, string> = { PEPPER: SALT };
  const file = await auth(environment);
  expect(file.secret('$env{PEPPER}', '--mask-salt')).toBe(SALT);
  environment['PEPPER'] = 'changed';
  expect(file.secret('$env{PEPPER}', '--mask-salt')).toBe(SALT);
});
