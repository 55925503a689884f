import { existsSync } from 'node:fs';

import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import { raceAbort } from '../../runtime/interruption.js';
import { usageError } from '../flags/usage-error.js';
import { findFile, type StoredPlace } from './stored-place.js';

/** Operands `RUN_ID|PATH|ID/PATH` of commands that look at published tables. */

/**
 * The only operand.
 * @param command as users type it
 * @throws LakeportError of class `usage` if there is none, or more than one
 */
export function oneSubject(
  operands: readonly string[],
  { command, does }: { readonly command: string; readonly does: string },
): string {
  const [typed, second] = operands;
  if (typed !== undefined && typed.trim() !== '' && second === undefined) return typed;
  throw usageError({
    code: 'ONE_RUN',
    message:
      second === undefined
        ? `lakeport ${command} needs the id of a run, or a path`
        : `lakeport ${command} takes one run or path at a time`,
    hint: `lakeport runs lists runs; a directory above several tables ${does} all of them.`,
  });
}

/** A word that can be both is a path if there is one: ids of runs can be written in full. */
export function isRunId(typed: string, auth: AuthFile | undefined): boolean {
  if (!/^[0-9a-f][0-9a-f-]{3,35}$/i.test(typed)) return false;
  if (typed.length === 36) return true;
  return auth?.ids().includes(typed) !== true && !existsSync(typed);
}

/** @throws LakeportError that says what is at the path instead of tables */
export async function refuseWithoutTables(
  place: StoredPlace,
  { auth, signal }: { readonly auth: AuthFile | undefined; readonly signal: AbortSignal },
): Promise<never> {
  const file = await raceAbort(signal, findFile(place, auth).catch(unlessDirectory));
  throw noManifest(place.storage.display(place.path), file === undefined ? 'a directory' : 'a file');
}

function unlessDirectory(thrown: unknown): undefined {
  if (thrown instanceof LakeportError && thrown.code === 'IS_A_DIRECTORY') return undefined;
  throw thrown;
}

function noManifest(shown: string, what: string): LakeportError {
  return new LakeportError({
    code: 'NO_MANIFEST',
    message: `${shown} is ${what} without a manifest of lakeport`,
    hint:
      what === 'a file'
        ? 'Name the directory of its table; lakeport inspect shows what is in the file.'
        : 'Name a directory with exported tables, or a run: of runs with --manifest none, the run log has what is needed.',
    context: { path: shown },
  });
}
