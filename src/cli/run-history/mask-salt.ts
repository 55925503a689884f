import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';

import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import { needsSalt } from '../../export/model/column-settings.js';
import { maskSaltOf } from '../../export/model/mask-salt.js';
import type { ExportOptions } from '../../export/model/options.js';

/**
 * The salt of the mask `hash` is in no record. A fingerprint is, so that a resume with another salt is noticed: half of a
 * table's hashes would match those of other tables, and half would not.
 */

const KEY_BYTES = 32;
/** 32 MiB and about a tenth of a second for each guess; a salt is longer than a password, and a hash costs a guess far less. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 << 20 };

const derive: (password: string, salt: string, bytes: number, cost: typeof COST) => Promise<Buffer> = promisify(scrypt);

/**
 * The fingerprint of the run's salt; undefined if nothing is hashed.
 * @throws LakeportError of class `usage` if the salt is missing
 */
export async function saltFingerprint(
  options: Pick<ExportOptions, 'runId' | 'masks' | 'maskPolicy' | 'maskSalt'>,
  auth: AuthFile,
): Promise<string | undefined> {
  const salt = maskSaltOf(options, auth);
  if (salt === undefined || !needsSalt(options)) return undefined;
  return (await derive(salt, options.runId, KEY_BYTES, COST)).toString('hex');
}

/** @throws LakeportError of class `usage` if the run began with another salt */
export async function refuseOtherSalt(
  recorded: string | undefined,
  { options, auth }: { readonly options: ExportOptions; readonly auth: AuthFile },
): Promise<void> {
  const now = await saltFingerprint(options, auth);
  if (recorded === undefined || now === recorded) return;
  throw new LakeportError({
    code: 'RESUME_OTHER_SALT',
    message: `${options.maskSalt ?? '--mask-salt'} holds another salt than when run ${options.runId} began: the hashes of one table would not match those of another`,
    hint: 'Resume it with the salt that it began with, or export again without --resume.',
    context: { detail: '--mask-salt' },
  });
}
